// Opens and closes the large view and hands its scene to the picture below.
function createLarge({ element, props }) {
  const { room: openRoom, fill } = window.spotter;
  const room = openRoom(props.room);
  const picture = openRoom(props.picture_room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const layer = () => document.getElementById(props.layer);
  let cameFrom = null;

  find("another").textContent = words.another;
  for (const name of ["previous", "next", "close"]) find(name).setAttribute("aria-label", words[name]);

  function close() { room.set({ large: null }); }
  function step(by) {
    const { large } = room.state;
    if (large) room.set({ large: { ...large, at: (large.at + by + large.count) % large.count } });
  }

  function open() {
    const node = layer();
    const isOpen = node.hasAttribute("data-open");
    if (room.state.large && !isOpen) {
      cameFrom = document.activeElement;
      node.toggleAttribute("data-open", true);
      node.setAttribute("role", "dialog");
      node.setAttribute("aria-modal", "true");
      node.setAttribute("aria-label", words.title);
      find("close").focus();
    } else if (!room.state.large && isOpen) {
      node.toggleAttribute("data-open", false);
      picture.set({ picture: null, boxes: [], selected: null, hovered: null });
      if (cameFrom && cameFrom.isConnected) cameFrom.focus();
    }
  }

  function show() {
    const scene = room.state.large_scene;
    if (!scene || !room.state.large) return;
    const count = scene.boxes.length;
    const boxes = count === 0 ? words.no_boxes : count === 1 ? words.box : fill(words.boxes, { count });
    find("title").textContent = scene.title;
    find("facts").textContent = scene.full ? fill(words.full, { width: scene.width, height: scene.height, boxes }) : boxes;
    find("another").hidden = !scene.again;
    picture.set({
      picture: { url: scene.url, wh: [scene.width, scene.height] },
      selected: null,
      hovered: null,
      boxes: scene.boxes.map((box, id) => ({ ...box, id, label: box.caption, rank: id + 1, state: "answer" })),
    });
  }

  // The page behind is out of reach while the view is open.
  document.addEventListener("keydown", (event) => {
    if (!room.state.large) return;
    if (event.key === "Escape" && picture.state.selected == null) { close(); return; }
    if (event.key === "Tab") {
      const inside = [...layer().querySelectorAll("button:not([hidden]), [tabindex='0']")].filter((node) => node.offsetParent !== null);
      const ends = [inside[0], inside[inside.length - 1]];
      if (event.shiftKey && document.activeElement === ends[0]) { event.preventDefault(); ends[1].focus(); }
      else if (!event.shiftKey && document.activeElement === ends[1]) { event.preventDefault(); ends[0].focus(); }
    }
  }, true);

  find("close").addEventListener("click", close);
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("another").addEventListener("click", () => room.set({ large_again: {} }));
  room.on(["large"], open);
  room.on(["large_scene"], show);
}
