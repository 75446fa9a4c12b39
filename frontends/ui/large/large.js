// Opens and closes the large view and hands its scene to the picture below.
function createLarge({ element, props }) {
  const { room: openRoom, layer: createLayer, fill } = window.spotter;
  const room = openRoom(props.room);
  const picture = openRoom(props.picture_room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const layer = createLayer(props.layer);

  find("another").textContent = words.another;
  for (const name of ["previous", "next", "close"]) find(name).setAttribute("aria-label", words[name]);

  function close() { room.set({ large: null }); }
  function step(by) {
    const { large } = room.state;
    if (large) room.set({ large: { ...large, at: (large.at + by + large.count) % large.count } });
  }

  function open() {
    if (room.state.large) { layer.open(words.title, find("close")); return; }
    layer.close();
    picture.set({ picture: null, boxes: [], selected: null, hovered: null });
  }

  function show() {
    const scene = room.state.large_scene;
    if (!scene || !room.state.large) return;
    const count = scene.boxes.length;
    const boxes = count === 0 ? words.no_boxes : count === 1 ? words.box : fill(words.boxes, { count });
    find("title").textContent = scene.title;
    find("facts").textContent = boxes;
    find("another").hidden = !scene.again;
    picture.set({
      picture: { url: scene.url, wh: [scene.width, scene.height] },
      selected: null,
      hovered: null,
      boxes: [
        ...scene.boxes.map((box) => ({ ...box, label: box.caption, state: "answer" })),
        ...(scene.distractors || []).map((box) => ({ ...box, label: words.distractor, state: "distractor" })),
      ].map((box, id) => ({ ...box, id, rank: id + 1 })),
    });
  }

  // The first Escape lets go of a chosen box, the next one closes.
  layer.onEscape(() => { if (picture.state.selected == null) close(); return false; });
  find("close").addEventListener("click", close);
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("another").addEventListener("click", () => room.set({ large_again: {} }));
  room.on(["large"], open);
  room.on(["large_scene"], show);
}
