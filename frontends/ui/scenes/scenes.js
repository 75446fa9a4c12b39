// Six scenes that follow the settings. One question is under way at a time; what changes meanwhile
// is asked after it, so that the last wish counts and none is lost.
//
// Room in: `visit`, `settings`, `cutouts_use`, `backgrounds_use`, `seed`, `shares`, `large`. Out:
// `scene_s` (seconds for a scene), `large`, `large_scene`, `settings_error`.
function createScenes({ element, props, server }) {
  const { room: openRoom, element: make, svg, fill, scene } = window.spotter;
  const room = openRoom(props.room);
  const pageRoom = openRoom("page");
  const words = props.words;
  const root = element.querySelector(".scenes");
  const grid = element.querySelector(".grid");
  const find = (name) => element.querySelector(`.${name}`);
  const COUNT = 6;
  const PAUSE_MS = 120;

  let indices = Array.from({ length: COUNT }, (_, i) => i);
  let next = COUNT;
  let scenes = new Array(COUNT).fill(null);
  let asking = false;
  let wanted = new Set();
  let pause = 0;

  find("title").textContent = words.title;
  find("reroll").textContent = words.reroll;
  find("legend").textContent = words.distractors;

  const isOpen = () => pageRoom.state.tab === "synthesize" && Boolean(room.state.visit);

  function wish(some) {
    const { visit, settings, cutouts_use, backgrounds_use, seed, shares } = room.state;
    return { visit, settings, cutouts: cutouts_use, backgrounds: backgrounds_use, seed: seed ?? 0, shares, indices: some };
  }

  function notice(message) {
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
    root.toggleAttribute("data-failed", Boolean(message));
  }

  function askSoon(slots) {
    for (const slot of slots) wanted.add(slot);
    clearTimeout(pause);
    pause = setTimeout(ask, PAUSE_MS);
  }
  const all = () => askSoon(indices.keys());

  async function ask() {
    if (asking || wanted.size === 0 || !isOpen()) return;
    const slots = [...wanted].sort((a, b) => a - b);
    wanted = new Set();
    asking = true;
    root.toggleAttribute("data-busy", true);
    try {
      const asked = slots.map((slot) => indices[slot]);
      const answer = await server.preview(wish(asked));
      notice(answer.error && answer.error.at !== "settings" ? answer.error.message : "");
      room.set({ settings_error: answer.error && answer.error.at === "settings" ? answer.error.message : "" });
      if (!answer.error) {
        slots.forEach((slot, i) => { if (indices[slot] === asked[i]) scenes[slot] = answer.scenes[i]; });
        find("time").textContent = fill(words.time, { ms: Math.round(answer.seconds * 1000 / slots.length) });
        room.set({ scene_s: answer.seconds_full });
        render(slots);
        const { large } = room.state;
        if (large && large.kind === "preview" && slots.includes(large.at)) enlarge();
      }
    } catch (error) {
      notice(String(error.message || error));
    }
    asking = false;
    root.toggleAttribute("data-busy", false);
    if (wanted.size) ask();
  }

  const arrow = () => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: "M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5V4.3h-2.8" })]);

  function tile(slot) {
    const shown = scenes[slot];
    if (!shown) {
      const [width, height] = (room.state.settings || {}).canvas_wh || [16, 9];
      return make("figure", { class: "tile", "aria-hidden": "true" }, [
        make("span", { class: "bone", style: `aspect-ratio: ${width} / ${height}` }), make("figcaption", { class: "said-all" }),
      ]);
    }
    return make("figure", { class: "tile" }, [
      make("button", {
        type: "button", class: "open", "data-slot": slot, onclick: () => room.set({ large: { kind: "preview", at: slot, count: COUNT } }),
        "aria-label": fill(words.open, { number: slot + 1, captions: scene.spoken(shown, words) }),
      }, [scene.paint(shown)]),
      make("button", { type: "button", class: "again", onclick: () => another(slot), "aria-label": fill(words.reroll_one, { number: slot + 1 }), title: words.another }, [arrow()]),
      make("figcaption", { class: "said-all", title: scene.spoken(shown, words) }, scene.captions(shown, words)),
    ]);
  }

  function render(slots) {
    find("legend").hidden = !scenes.some((shown) => shown && shown.distractors.length);
    if (grid.children.length !== COUNT) { grid.replaceChildren(...indices.map((_, slot) => tile(slot))); return; }
    for (const slot of slots) {
      const old = grid.children[slot];
      const focused = old.contains(document.activeElement) ? document.activeElement.className : null;
      old.replaceWith(tile(slot));
      if (focused) grid.children[slot].getElementsByClassName(focused)[0]?.focus();
    }
  }

  function another(slot) {
    indices[slot] = next;
    next += 1;
    wanted.add(slot);
    ask();
  }

  find("reroll").addEventListener("click", () => {
    indices = indices.map((_, i) => next + i);
    next += COUNT;
    for (const slot of indices.keys()) wanted.add(slot);
    ask();
  });

  // ---------------------------------------------------------------- the large view

  // The small scene at once, the full one as soon as it is drawn.
  async function enlarge() {
    const { large } = room.state;
    if (!large || large.kind !== "preview") return;
    const shown = scenes[large.at];
    if (!shown) return;
    room.set({ large_scene: { ...shown, title: fill(words.scene, { number: large.at + 1 }), again: true } });
    try {
      const answer = await server.scene(wish([indices[large.at]]));
      const still = room.state.large;
      if (answer.error || !still || still.kind !== "preview" || still.at !== large.at || shown !== scenes[large.at]) return;
      room.set({ large_scene: { ...answer.scene, title: fill(words.scene, { number: large.at + 1 }), again: true, full: true } });
    } catch (error) { /* the small one stays */ }
  }

  function rerollLarge() {
    const { large } = room.state;
    if (large && large.kind === "preview") another(large.at);
  }

  room.on(["large"], enlarge);
  room.on(["large_again"], rerollLarge);
  room.on(["settings", "cutouts_use", "backgrounds_use", "seed", "shares", "visit"], all);
  pageRoom.on(["tab"], all);
  render([]);
}
