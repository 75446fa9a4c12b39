// The settings of scenes. Every change goes into the room at once as `settings`; whoever draws from
// them waits for a pause. An error that the server finds comes back as the room's `settings_error`.
function createKnobs({ element, props, server, watch }) {
  const { room: openRoom, element: make, fill, percent, save } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  let standard = props.value;
  let values = structuredClone(standard);
  const shown = new Map();

  for (const [name, label] of [["title", words.title], ["preset-name", words.preset], ["reset", words.reset], ["save", words.save], ["load", words.load]]) {
    find(name).textContent = label;
  }
  const presets = find("presets");
  presets.append(...props.presets.map((name) => make("option", { value: name, text: name })));

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const isChanged = (key) => !same(values[key], standard[key]);

  function notice(message) {
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
  }

  function createKnob(knob) {
    const wrong = make("p", { class: "wrong", role: "alert" });
    const kit = {
      make, fill, percent,
      wrong: (message) => { wrong.textContent = message; },
      set: (value) => { wrong.textContent = ""; change({ [knob.key]: value }); },
    };
    const { figure = [], control, show } = settingControls[knob.kind](knob, words, kit);
    const node = make("div", { class: "knob", "data-key": knob.key, "data-kind": knob.kind }, [
      make("span", { class: "name", text: knob.title, title: knob.key }),
      make("span", { class: "figure" }, figure),
      control ? make("div", { class: "control" }, [control]) : null,
      make("p", { class: "help", text: knob.help }), wrong,
    ]);
    shown.set(knob.key, { node, show });
    return node;
  }

  function build() {
    find("first").replaceChildren(...props.knobs.filter((knob) => knob.first).map(createKnob));
    const rest = props.knobs.filter((knob) => !knob.first);
    const names = [...new Set(rest.map((knob) => knob.group))];
    find("groups").replaceChildren(...names.map((name) => make("details", { class: "group", "data-group": name }, [
      make("summary", {}, [make("span", { text: name }), make("span", { class: "count" })]),
      make("div", { class: "inner" }, rest.filter((knob) => knob.group === name).map(createKnob)),
    ])));
  }

  function mark() {
    for (const [key, { node }] of shown) node.toggleAttribute("data-changed", isChanged(key));
    const count = [...shown.keys()].filter(isChanged).length;
    find("changed").textContent = count ? fill(words.changed, { count }) : "";
    for (const group of find("groups").children) {
      const inside = group.querySelectorAll(".knob[data-changed]").length;
      group.querySelector(".count").textContent = inside ? fill(words.changed, { count: inside }) : "";
    }
  }

  function change(patch) {
    values = { ...values, ...patch };
    for (const key of Object.keys(patch)) if (shown.has(key)) shown.get(key).show(values[key]);
    mark();
    room.set({ settings: values });
  }

  const replace = (next) => change(Object.fromEntries(Object.keys(next).filter((key) => !same(next[key], values[key])).map((key) => [key, next[key]])));

  presets.addEventListener("change", async () => {
    notice("");
    try {
      const answer = await server.preset(presets.value);
      standard = answer.values;
      replace(standard);
      mark();
    } catch (error) { notice(String(error.message || error)); }
  });
  find("reset").addEventListener("click", () => replace(standard));
  find("save").addEventListener("click", async () => {
    const answer = await server.save_settings(values);
    notice(answer.error);
    if (answer.toml) save(words.file, new Blob([answer.toml], { type: "application/toml" }));
  });
  find("load").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", async () => {
    const file = find("file").files[0];
    find("file").value = "";
    if (!file) return;
    const answer = await server.load_settings(await file.text());
    notice(answer.error);
    if (answer.values) replace(answer.values);
  });

  room.on(["settings_error"], (state) => notice(state.settings_error));
  // Others may set one, such as the size of a picture beside the button.
  room.on(["settings"], (state) => { if (state.settings !== values) change(state.settings); });
  watch("value", () => {});
  build();
  for (const [key, { show }] of shown) show(values[key]);
  mark();
  room.set({ settings: values });
}
