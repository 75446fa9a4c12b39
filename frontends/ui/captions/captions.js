// The captions, one a line, each with the mark of its color. A pause in typing fires `reword`.
// Below them what the model knows, where that is less than a person may ask. Room in: `image`, `preset`.
function createCaptions({ element, props, trigger, watch }) {
  const { room: openRoom, element: make, mark, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const input = element.querySelector(".input");
  const marks = element.querySelector(".marks");
  const mirror = element.querySelector(".mirror");
  const notice = element.querySelector(".notice");
  const PAUSE_MS = 300;
  let pause = 0;

  const title = element.querySelector(".title");
  // Not the part's own name: a label finds the first element of an id.
  input.id = `${props.room}-captions-text`;
  title.setAttribute("for", input.id);
  title.textContent = words.title;
  input.placeholder = words.placeholder;
  const hint = element.querySelector(".hint");
  const go = element.querySelector(".go");
  go.id = `${props.room}-button`;
  go.textContent = words.go;
  hint.id = `${input.id}-hint`;
  notice.id = `${input.id}-notice`;
  input.setAttribute("aria-describedby", `${hint.id} ${notice.id}`);

  function showKnown(preset) {
    const { types, colors } = props;
    const known = element.querySelector(".known");
    known.hidden = !props.own_words.includes(preset);
    known.querySelector("summary").textContent = fill(words.knows, { types: types.length, colors: colors.length - 1 });
    element.querySelector(".known-types").textContent = types.join(", ");
    element.querySelector(".known-colors").textContent = colors.join(", ");
    element.querySelector(".known-more").textContent = words.knows_more;
  }

  // A hidden twin of the text tells where each wrapped line begins.
  function layout() {
    mirror.replaceChildren(...input.value.split("\n").map((line) => make("div", { text: line || "\u200b" })));
    input.style.height = `${Math.max(90, mirror.offsetHeight)}px`;
    let position = 0;
    const nodes = [];
    input.value.split("\n").forEach((line, i) => {
      if (!line.trim()) return;
      const node = mark((position + Math.floor(position / 6)) % 6);
      node.style.top = `${mirror.children[i].offsetTop + 7}px`;
      node.style.setProperty("--tone", `var(--caption-${position % 6})`);
      nodes.push(node);
      position += 1;
    });
    marks.replaceChildren(...nodes);
  }

  function say(message) {
    notice.textContent = message || "";
    notice.hidden = !message;
    input.toggleAttribute("aria-invalid", Boolean(message));
  }

  // A press without a caption is answered here: what is still on its way about the picture alone would
  // take back what the server says of it.
  let missing = false;

  const listed = (value) => value.split("\n").map((line) => line.trim()).filter(Boolean).join("\n");

  input.addEventListener("input", () => {
    const before = listed(props.value || "");
    props.value = input.value;
    layout();
    if (listed(input.value) === before) return;
    missing = false;
    say("");
    clearTimeout(pause);
    pause = setTimeout(() => { if (room.state.image) trigger("reword"); }, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  go.addEventListener("click", ask);
  // Before there is a picture nothing can be asked.
  function ready() {
    hint.textContent = room.state.image ? words.hint : words.hint_first;
    go.disabled = !room.state.image;
  }
  function ask() {
    if (go.disabled) return;
    clearTimeout(pause);
    if (!listed(input.value)) { missing = true; say(words.none_yet); return; }
    room.set({ busy: true });
    trigger("reword");
  }
  watch("value", () => {
    if (input.value !== props.value) input.value = props.value || "";
    if (missing && listed(input.value)) { missing = false; say(""); }
    layout();
  });
  room.on(["image"], ready);
  ready();
  room.on(["preset"], (state) => showKnown(state.preset));
  showKnown(props.preset);
  room.on(["captions_error"], (state) => { if (!missing) say(state.captions_error); });
  new ResizeObserver(layout).observe(element);
  input.value = props.value || "";
  layout();
}
