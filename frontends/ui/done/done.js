// What ends the work on a picture, and the tools of the hand.
//
// Room in: `tool`, `photo`, `missing`, `next_caption`. Out: `command`.
function createDone({ element, props }) {
  const { room: openRoom, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);

  find("hands").setAttribute("aria-label", words.tools);
  for (const [name, command] of [["complete", "done"], ["nothing", "nothing"], ["skip", "skip"]]) {
    find(name).textContent = words[command];
    find(name).title = words[`${command}_title`];
  }
  for (const name of ["draw", "hand", "undo", "redo"]) {
    find(name).setAttribute("aria-label", words[name]);
    find(name).title = words[name];
  }
  const commands = { complete: "done", nothing: "nothing", skip: "skip", draw: "draw", hand: "hand", undo: "undo", redo: "redo" };
  for (const [name, command] of Object.entries(commands)) {
    find(name).addEventListener("click", () => { room.set({ command: { name: command } }); find(name).blur(); });
  }

  function tellTool({ tool }) {
    find("draw").setAttribute("aria-pressed", String(tool !== "pan"));
    find("hand").setAttribute("aria-pressed", String(tool === "pan"));
  }
  room.on(["tool"], tellTool);
  tellTool(room.state);  // it may be chosen already
  room.on(["missing", "next_caption"], ({ missing = [], next_caption: caption }) => {
    find("draws").hidden = !caption;
    find("draws").textContent = fill(missing.length > 1 ? words.draws_more : words.draws, { caption, more: missing.length - 1 });
  });
  room.on(["photo"], ({ photo }) => { for (const name of Object.keys(commands)) find(name).disabled = !photo || (photo.removed && !["draw", "hand"].includes(name)); });
}
