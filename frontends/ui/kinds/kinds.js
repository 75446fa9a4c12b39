// The types of the project: the color, the key and the boxes of each. A name can be written over;
// where another type has the new one, both become one only if the person says so.
//
// Room in: `sheet`, `photo`. Out: `project` (its types), `queue_again`, `sought`.
function createKinds({ element, props, server }) {
  const { room: openRoom, element: make, mark, fill, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const list = element.querySelector(".list");
  const KEYS = 9;

  const sheet = createSheet({ room, name: "kinds", id: props.layer, element, server, words, opened: load });

  async function load() {
    list.replaceChildren();
    render(await sheet.ask("list_kinds"));
  }

  async function rename(name, to, merge = false) {
    const answer = await sheet.ask("rename_kind", { name, to, merge });
    if (!answer) { load(); return; }
    if (answer.taken) { offer(name, answer.taken); return; }
    render(answer);
    const { project, photo } = room.state;
    room.set({ project: { ...project, classes: answer.kinds.map((kind) => kind.name) }, queue_again: { to: photo ? photo.id : undefined } });
  }

  function offer(old, name) {
    const row = [...list.children].find((node) => node.dataset.name === old);
    row.querySelectorAll(".taken").forEach((node) => node.remove());
    row.append(make("div", { class: "taken", role: "alert" }, [
      make("p", { text: fill(words.taken, { name, old }) }),
      make("button", { type: "button", class: "strong", text: words.merge, onclick: () => rename(old, name, true) }),
      make("button", { type: "button", class: "quiet", text: words.keep, onclick: load }),
    ]));
    row.querySelector(".strong").focus();
  }

  function field(name) {
    const input = make("input", { type: "text", class: "name", maxlength: "100", autocomplete: "off", spellcheck: "false", "aria-label": fill(words.name, { name }) });
    input.value = name;
    const commit = () => {
      const to = input.value.trim();
      if (!to || to === name) input.value = name;
      else if (to !== input.dataset.sent) { input.dataset.sent = to; rename(name, to); }
    };
    input.addEventListener("change", commit);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = name; input.blur(); event.stopPropagation(); }
      if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); commit(); }
    });
    return input;
  }

  function render(answer) {
    if (!answer) return;
    list.replaceChildren(...answer.kinds.map(({ name, confirmed, proposed }, i) => {
      const sign = make("span", { class: "sign", style: `--tone: var(--caption-${i % props.colors})` }, [mark((i + Math.floor(i / props.colors)) % props.marks)]);
      const see = make("button", { type: "button", class: "see quiet", text: words.see, title: fill(words.see_title, { name }), onclick: () => { sheet.close(); room.set({ only: "", sought: name }); } });
      see.disabled = confirmed + proposed === 0;
      return make("li", { "data-name": name }, [make("div", { class: "kind" }, [
        sign,
        i < KEYS ? make("kbd", { text: String(i + 1), title: fill(words.key, { key: i + 1 }) }) : make("span"),
        field(name),
        make("span", { class: "counts", text: fill(words.counts, { confirmed: confirmed.toLocaleString("en"), proposed: proposed.toLocaleString("en") }) }),
        see,
      ])]);
    }));
  }
}
