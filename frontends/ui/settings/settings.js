// The settings of one answer. A change goes into the room (`score_min`) at once and, after a pause,
// out as the event `turn`. Another preset or engine is asked for only where it can run.
//
// Room in: `image` (whether there is a picture), `setting` {key}: one that others want shown. Out: `score_min`, `preset`, `busy`.
function createSettings({ element, props, trigger, server, watch }) {
  const { room: openRoom, element: make, fill, percent } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const details = element.querySelector("details");
  const PAUSE_MS = 300;
  let values = { ...props.value };
  let pause = 0;
  const shown = new Map();
  // The last preset and engine that can run here: the way back from others.
  let usable = { preset: values.preset, engine: values.engine };

  element.querySelector("summary").textContent = words.title;

  const inside = ({ low, high }, value) => (low === undefined ? value : Math.min(Math.max(value, low), high));

  function createRow(knob) {
    const kit = { make, fill, percent, wrong() {}, set: (value) => turn({ [knob.key]: inside(knob, value) }) };
    const { figure, control, show } = settingControls[knob.kind](knob, words, kit);
    shown.set(knob.key, show);
    return make("div", { class: "knob", "data-key": knob.key }, [
      make("span", { class: "name", text: knob.title }),
      make("span", { class: "figure" }, figure),
      control ? make("div", { class: "control" }, [control]) : null,
      make("p", { class: "help", text: knob.help }),
    ]);
  }

  // The names that a person reads, for the names that the settings know.
  function label(option) {
    const preset = props.presets.find(({ name }) => name === option.value);
    if (preset && !preset.installed) option.textContent = fill(words.not_installed, preset);
    option.textContent = words[option.value] || props.engines[option.value] || option.textContent;
  }

  function show() {
    for (const [key, run] of shown) run(values[key]);
    room.set({ score_min: values.score_min, preset: values.preset });
  }

  function ask(patch) {
    clearTimeout(pause);
    if (!room.state.image) return;
    // The confidence is the browser's own while it goes up.
    if (!("score_min" in patch)) room.set({ busy: true });
    pause = setTimeout(() => trigger("turn"), PAUSE_MS);
  }

  function turn(patch) {
    const switched = "preset" in patch || "engine" in patch;
    values = { ...values, ...patch };
    props.value = values;
    show();
    if (switched) change(patch.preset);
    else if (find("state").dataset.ok !== "false") ask(patch);
  }

  // The other settings are still those of before.
  function goBack() {
    values = { ...values, ...usable };
    props.value = values;
    show();
    change();
  }

  // What was found before stays until the other models can run.
  async function change(name) {
    const { preset, engine } = values;
    const found = await server.ready({ preset, engine }).catch(() => null);
    if (!found || preset !== values.preset || engine !== values.engine) return;
    tell(found);
    if (!found.ok) return;
    usable = { preset, engine };
    if (name) turn(props.presets.find((preset) => preset.name === name).values);
    else ask({});
  }

  function tell({ ok, said, steps }) {
    const commands = steps.map((step) => step.command).filter(Boolean).join("\n");
    const copy = make("button", { type: "button", class: "link", text: words.copy, onclick: async () => {
      try { await navigator.clipboard.writeText(commands); copy.textContent = words.copied; } catch (error) { copy.textContent = words.not_copied; }
    } });
    const stays = !ok && room.state.answer ? ` ${words.stays}` : "";
    const name = usable.preset === values.preset ? words[usable.engine] || props.engines[usable.engine] || usable.engine : usable.preset;
    const back = make("button", { type: "button", class: "quiet back", text: fill(words.back, { preset: name }), onclick: goBack });
    find("state").dataset.ok = ok;
    find("state").replaceChildren(make("p", { class: ok ? "" : "missing", text: `${said}${stays}` }), ...(ok ? [] : [back, make("details", { class: "steps" }, [
      make("summary", { text: words.how }),
      ...steps.filter((step) => step.note).map((step) => make("p", { text: step.note })),
      ...(commands ? [make("pre", { class: "commands", text: commands }), copy] : []),
    ])]));
  }

  function wish({ setting: { key } }) {
    details.open = true;
    const row = element.querySelector(`[data-key="${key}"]`);
    row.scrollIntoView({ block: "nearest" });
    row.querySelector("input, select").focus({ preventScroll: true });
  }

  find("list").replaceChildren(...props.knobs.map(createRow));
  for (const option of element.querySelectorAll("option")) label(option);
  room.on(["setting"], wish);
  watch("value", () => {});
  show();
}
