// The filmstrip: the queue in its order, a dot for the state of each image. Only what is seen is
// made, so twenty thousand images are as quick as twenty.
//
// Room in: `queue` {ids, states}, `at`, `photo`, `progress`. Out: `command`, `goto`, `order`, `only`,
// `sought`.
function createStrip({ element, props, server }) {
  const { room: openRoom, element: make, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const [film, reel] = [find("film"), find("reel")];
  const GAP_PX = 6;
  const AHEAD = 6;
  const REST_MS = 60;
  const SEEK_REST_MS = 300;
  const KEPT = 2000;
  const stills = new Map();
  let thumbs = new Map();  // image id -> {url, name}
  let waiting = 0;

  for (const [name, command] of [["previous", "previous"], ["next", "next"]]) {
    find(name).setAttribute("aria-label", words[name]);
    find(name).title = words[`${name}_title`];
    find(name).addEventListener("click", () => room.set({ command: { name: command } }));
  }
  find("out").addEventListener("click", () => { room.set({ command: { name: "take_out" } }); find("out").blur(); });
  film.setAttribute("aria-label", words.film);
  for (const name of ["order", "only"]) {
    find(name).setAttribute("aria-label", words[name]);
    find(name).append(...Object.entries(words[`${name}s`]).map(([value, text]) => make("option", { value: value === "all" ? "" : value, text })));
    find(name).addEventListener("change", () => { room.set({ [name]: find(name).value }); find(name).blur(); });
  }

  room.on(["project"], ({ project }) => { find("only").querySelector('[value="lacking"]').hidden = !(project && project.given); });

  // The list follows the words a moment after the last key; Enter and leaving the field do at once.
  const sought = find("sought");
  let seeking = 0;
  function seek() {
    clearTimeout(seeking);
    const text = sought.value.trim();
    if (text !== (room.state.sought || "")) room.set({ sought: text });
  }
  sought.setAttribute("aria-label", words.sought);
  sought.title = words.sought;
  sought.placeholder = words.sought_hint;
  sought.addEventListener("input", () => { clearTimeout(seeking); seeking = setTimeout(seek, SEEK_REST_MS); });
  sought.addEventListener("change", seek);
  sought.addEventListener("keydown", (event) => {
    if (event.key === "Escape") sought.value = "";
    if (event.key === "Escape" || event.key === "Enter") { seek(); sought.blur(); }
  });

  const pitch = () => (matchMedia("(max-width: 820px), (max-height: 520px)").matches ? 64 : 80) + GAP_PX;

  function range() {
    const all = room.state.queue.ids.length;
    const from = Math.max(0, Math.floor(film.scrollLeft / pitch()) - AHEAD);
    return [from, Math.min(all, Math.ceil((film.scrollLeft + film.clientWidth) / pitch()) + AHEAD)];
  }

  function still(i) {
    const { ids, states } = room.state.queue;
    const id = ids[i];
    if (!stills.has(i)) {
      const node = make("button", { type: "button", class: "still", role: "option", tabindex: "-1", onclick: () => { room.set({ goto: { image: room.state.queue.ids[i] } }); node.blur(); } }, [make("span", { class: "dot" })]);
      stills.set(i, node);
      reel.append(node);
    }
    const node = stills.get(i);
    const thumb = thumbs.get(id);
    node.style.left = `${i * pitch()}px`;
    node.dataset.state = states[i];
    node.setAttribute("aria-selected", String(i === room.state.at));
    const name = thumb ? thumb.name : String(i + 1);
    const said = fill(words.still, { name, state: words.states[states[i]] });
    if (node.title !== said) { node.title = said; node.setAttribute("aria-label", said); }
    const image = thumb && thumb.url ? `url("${thumb.url}")` : "";
    if (node.dataset.url !== image) { node.dataset.url = image; node.style.backgroundImage = image; }
  }

  function paint() {
    const { queue } = room.state;
    element.querySelector(".strip").toggleAttribute("data-empty", !queue);
    if (!queue) { reel.replaceChildren(); stills.clear(); return; }
    reel.style.width = `${queue.ids.length * pitch()}px`;
    const [from, to] = range();
    for (const [i, node] of stills) if (i < from || i >= to) { node.remove(); stills.delete(i); }
    for (let i = from; i < to; i += 1) still(i);
    clearTimeout(waiting);
    waiting = setTimeout(load, REST_MS);
  }

  async function load() {
    const { queue, project } = room.state;
    if (!queue || !project) return;
    const [from, to] = range();
    const missing = queue.ids.slice(from, to).filter((id) => !thumbs.has(id));
    if (missing.length === 0) return;
    const known = thumbs;  // of this project; another one has its own
    missing.forEach((id) => known.set(id, null));
    try {
      const answer = await server.thumbs({ visit: room.state.visit, project: project.key, images: missing });
      for (const thumb of answer.thumbs || []) known.set(thumb.id, thumb);
      while (known.size > KEPT) known.delete(known.keys().next().value);
    } catch (error) {
      missing.forEach((id) => known.delete(id));
      return;
    }
    paint();
  }

  function reveal() {
    const { at } = room.state;
    if (at < 0) return;
    const left = at * pitch();
    const [low, high] = [film.scrollLeft + pitch(), film.scrollLeft + film.clientWidth - 2 * pitch()];
    if (left < low || left > high) film.scrollLeft = left - film.clientWidth / 2 + pitch() / 2;
    paint();
    tell();
  }

  function tell() {
    const { queue, at, photo } = room.state;
    const all = queue ? queue.ids.length : 0;
    find("place").textContent = all ? fill(words.place, { at: (at + 1).toLocaleString("en"), all: all.toLocaleString("en") }) : room.state.sought ? fill(words.not_found, { text: room.state.sought }) : words.none;
    find("name").textContent = photo ? photo.name : "";
    const removed = Boolean(photo && photo.removed);
    find("out").hidden = !photo;
    find("out-text").textContent = removed ? words.restore : words.remove;
    find("out").setAttribute("aria-label", removed ? words.restore : words.remove);
    find("out").title = removed ? words.restore_title : words.remove_title;
    find("out").classList.toggle("strong", removed);
    find("out").classList.toggle("quiet", !removed);
    find("why").textContent = !photo ? "" : removed ? words.removed : photo.error || (["done", "skipped"].includes(photo.state) ? words.states[photo.state] : photo.reason || words.states[photo.state]);
    find("previous").disabled = at <= 0;
    find("next").disabled = at < 0 || at >= all - 1;
  }

  film.addEventListener("scroll", paint, { passive: true });
  film.addEventListener("wheel", (event) => {
    if (event.deltaX || !event.deltaY) return;
    event.preventDefault();
    film.scrollLeft += event.deltaY;
  }, { passive: false });
  new ResizeObserver(() => { if (film.clientWidth) reveal(); }).observe(film);
  room.on(["opened"], () => { thumbs = new Map(); });
  room.on(["queue"], () => { stills.forEach((node) => node.remove()); stills.clear(); reveal(); });
  room.on(["at"], reveal);
  room.on(["photo"], tell);
  room.on(["focus"], ({ focus }) => { if (focus.field === "sought") { sought.focus(); sought.select(); } });
  room.on(["order", "only", "sought"], ({ order, only, sought: text }) => {
    find("order").value = order || "queue";
    find("only").value = only || "";
    element.querySelector(".strip").toggleAttribute("data-narrowed", Boolean(only || text));
    if (sought.value.trim() !== (text || "")) sought.value = text || "";
  });
}
