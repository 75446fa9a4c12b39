// Every action of the tab on a key, and the sheet that tells them: one table for both.
//
// Room out: `command`.
function createKeys({ element, props, server }) {
  const { room: openRoom, element: make, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const page = openRoom("page");
  const find = (name) => element.querySelector(`.${name}`);
  const NUDGES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  const SETTLING = ["done", "nothing", "skip", "take_out", "accept", "remove"];

  createSheet({ room, name: "help", id: props.layer, element, server, words: props.words });
  find("groups").replaceChildren(...props.keys.filter(({ title }) => title).map(({ title, rows }) => make("section", { class: "group" }, [
    make("h3", { text: title }),
    make("dl", {}, rows.flatMap(({ shown, does }) => [
      make("dt", {}, shown.map((key) => make("kbd", { text: key }))),
      make("dd", { text: does }),
    ])),
  ])));

  const byKey = new Map(props.keys.flatMap(({ rows }) => rows.flatMap(({ keys, command }) => keys.map((key) => [key, command]))));

  function nameOf(event) {
    const mod = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
    const shift = event.shiftKey && (mod || event.key.length > 1) ? "Shift+" : "";
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    return `${mod}${shift}${key}`;
  }

  function press(event) {
    const quiet = page.state.tab !== "annotate" || !room.state.project || event.defaultPrevented || event.isComposing;
    if (quiet || document.querySelector("[aria-modal=true][data-open]")) return;
    if (event.target.closest("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]")) return;
    if (["Enter", " "].includes(event.key) && event.target.closest("button, a, summary, [role=option]")) return;
    if (NUDGES.includes(event.key) && event.target.closest("input[type=range]")) return;
    const plain = !event.ctrlKey && !event.metaKey;
    if (plain && NUDGES.includes(event.key)) {
      event.preventDefault();
      room.set({ command: { name: "nudge", args: [event] } });
      return;
    }
    if (event.altKey) return;
    if (plain && /^[1-9]$/.test(event.key)) {
      event.preventDefault();
      room.set({ command: { name: "class_at", args: [Number(event.key) - 1] } });
      return;
    }
    const command = byKey.get(nameOf(event));
    // What is marked as text is copied as text.
    if (!command || (command === "copy" && String(getSelection()))) return;
    event.preventDefault();
    // A key that is held down settles one thing, not one after the other unseen.
    if (SETTLING.includes(command) && event.repeat) return;
    room.set({ command: { name: command } });
  }
  document.addEventListener("keydown", press);
}
