// Opens and closes the layer in which cutouts are made.
function createCutter({ element, props }) {
  const { room: openRoom, layer: createLayer } = window.spotter;
  const room = openRoom(props.room);
  const layer = createLayer(props.layer);
  const done = element.querySelector(".done");
  element.querySelector(".title").textContent = props.words.title;
  element.querySelector(".hint").textContent = props.words.hint;
  done.textContent = props.words.done;

  done.addEventListener("click", () => room.set({ cutter: false }));
  // Over the photograph Escape is the maker's: it shows the whole picture.
  layer.onEscape(() => {
    if (document.activeElement.closest(`#${props.layer} .stage`)) return false;
    room.set({ cutter: false });
    return true;
  });
  room.on(["cutter"], (state) => { if (state.cutter) layer.open(props.words.title, done); else layer.close(); });
}
