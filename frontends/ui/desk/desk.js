// What connects the parts of the tab: which image is open, its boxes, what is done to them, and the
// calls of the server. Nothing of it is seen.
//
// Room in: `project`, `order`, `only`, `sought`, `command` {name, args?}, `naming` (see boxlist.js),
// `edit` (from the picture), `score_min`, `proposals`, `show_rejected`, `queue_again` {to?: an image, or "doubtful"}, `goto`. Out: `queue` {ids, states},
// `at`, `photo`, `picture`, `rows` (all boxes), `boxes` (the shown ones), `listed`, `missing` (captions
// that no box has yet) and `next_caption` (what a drawn box gets, `picked` or the first), `progress`,
// `saving`, `notice` {message, calm, stays, act? {text, command, args?, brief?}}.
function createDesk({ props, server }) {
  const { room: openRoom, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const SCORE_REST_MS = 220;
  const KEPT = 6;

  const photos = new Map();  // project and image -> promise of what the server says about it
  const edits = createEdits({ send, answered, told: (saving) => room.set({ saving }) });
  const commands = createCommands({ room, change, send: travel, go, say, real: edits.real, isFixed, isBetween, setRemoved, unnamed: props.unnamed, words });
  let scoring = 0;
  let wanted = null;
  let finished = null;  // the image that undo leads back to, until something else is done
  let loads = 0;
  let loading = Promise.resolve();
  const numbers = new Map();  // by box: it keeps its number as long as its picture is open

  // act: what the person may answer; brief where it goes by itself.
  // stays: until the next action, however late it comes.
  function say(message, calm = true, act = null, stays = false) { room.set({ notice: message ? { message, calm, act, stays } : null }); }
  const project = () => (room.state.project || {}).key;
  const photoKey = (image, key = project()) => `${key} ${image}`;
  const isShown = (key, image) => key === project() && (room.state.photo || {}).id === image;
  const wish = (told) => ({ visit: room.state.visit, project: project(), who: room.state.who || "", ...told });
  async function ask(name, told) {
    const answer = await server[name](wish(told));
    if (answer && answer.error) throw new Error(answer.error);
    return answer;
  }

  // ---------------------------------------------------------------- which image

  // to: an image, or "doubtful": the most doubtful one with proposals; by default where one is.
  async function loadQueue(to) {
    if (!project()) { room.set({ queue: null, at: -1 }); open(null); return; }
    const asked = project();
    const mine = (loads += 1);
    try {
      const { ids, states, progress, doubtful } = await ask("queue", { order: room.state.order || "queue", only: room.state.only || "", text: room.state.sought || "", lead: to === "doubtful" });
      if (asked !== project() || mine !== loads) return;  // asked again since
      const now = (to === "doubtful" ? doubtful : to) ?? (room.state.photo || {}).id;
      const at = Math.max(0, ids.indexOf(now));
      room.set({ queue: { ids, states }, progress, at: ids.length ? at : -1 });
      await open(ids.length ? ids[at] : null);
    } catch (error) { say(String(error.message || error), false); }
  }

  // end: {state, how, image, name, changed}, how the open image was finished.
  function go(where, { finished: end } = {}) {
    const { queue, at } = room.state;
    if (!queue || queue.ids.length === 0) return;
    let news = null;
    let next = at;
    if (end) {
      mark(end.image, end.state);
      finished = end.changed ? end.image : null;
      const counted = (one, more, count) => (count ? fill(count === 1 ? one : more, { count }) : "");
      const lack = end.how === "done" ? counted(words.lack_one, words.lack, end.missing) + counted(words.unnamed_one, words.unnamed, end.unnamed) : "";
      news = { message: finished ? fill(words.finished[end.how === "done" && end.empty ? "nothing" : end.how], end) + lack : "", act: finished && { text: words.undo, command: "undo", brief: true } };
      const waits = (i) => ["new", "proposed"].includes(room.state.queue.states[i]);
      const order = [...queue.ids.keys()];
      next = order.slice(at + 1).find(waits) ?? order.slice(0, at).find(waits) ?? -1;
      if (next < 0) { next = Math.min(at + 1, queue.ids.length - 1); Object.assign(news, tellEnd(queue.ids[next])); }
    } else if (where === "next") next = Math.min(at + 1, queue.ids.length - 1);
    else if (where === "previous") next = Math.max(at - 1, 0);
    else next = queue.ids.indexOf(where);
    if (next < 0 || next === at) { if (news) say(news.message, true, news.act, news.stays); return; }
    room.set({ at: next });
    open(queue.ids[next], news);
  }

  // Nothing waits in the list. What was put off is a press away, unless it is what stays open.
  function tellEnd(open) {
    const { ids, states } = room.state.queue;
    const later = ids.filter((id, i) => states[i] === "skipped");
    const next = later.find((id) => id !== open);
    const end = room.state.only || room.state.sought ? words.list_done : words.all_done;
    const message = fill(later.length ? words.all_but : end, { done: states.filter((state) => state === "done").length, later: later.length });
    const stays = true;
    if (next !== undefined) return { message, stays, act: { text: words.show, command: "show", args: [next] } };
    // Which of the captions that came with the pictures have no box is a matter of all of them.
    return room.state.project.given ? { message, stays, act: { text: words.review, command: "review" } } : { message, stays };
  }

  function mark(id, state) {
    const { queue } = room.state;
    const i = queue ? queue.ids.indexOf(id) : -1;
    if (i < 0 || queue.states[i] === state) return;
    const states = [...queue.states];
    states[i] = state;
    room.set({ queue: { ...queue, states } });
  }

  function fetchPhoto(id) {
    const key = photoKey(id);
    if (!photos.has(key)) {
      const answer = ask("photo", { image: id });
      answer.catch(() => photos.delete(key));
      photos.set(key, answer);
      while (photos.size > KEPT) photos.delete(photos.keys().next().value);
    }
    return photos.get(key);
  }

  // Between two images the one before is still shown, but no longer meant.
  function isBetween() {
    const { queue, at, photo } = room.state;
    return Boolean(photo) && (!queue || queue.ids[at] !== photo.id);
  }

  // A removed image is only looked at.
  function isFixed() {
    const { photo } = room.state;
    return !photo || photo.removed || isBetween();
  }

  // Takes an image out of the project, or back into it; the next one of the list takes its place,
  // unless another one is open by then.
  async function setRemoved({ image, name, removed }) {
    const asked = project();
    // What is on its way out is not changed any more: the server would refuse it.
    const hold = (out) => { if (removed && isShown(asked, image)) room.set({ photo: { ...room.state.photo, removed: out } }); };
    hold(true);
    await edits.settled(asked, image);
    hold(true);  // the answers have told how it was
    try { await ask("set_removed", { project: asked, image, removed }); }
    catch (error) { hold(false); say(String(error.message || error), false); return; }
    if (asked !== project()) return;
    photos.clear();
    const { queue, at, only } = room.state;
    const { ids } = queue || { ids: [] };  // none yet: the project was left and opened again
    const isOpen = ids[at] === image;
    const next = isOpen ? ids[at + 1] ?? ids[at - 1] : ids[at];
    // What is brought back from elsewhere, or as the last one, is shown where it is now.
    const back = !removed && queue && (isOpen ? next === undefined : !ids.includes(image));
    if (back) room.set({ only: only === "removed" ? "" : only, sought: "", queue_again: { to: image } });
    else room.set({ queue_again: { to: next } });
    await loading;
    const undo = { text: words.undo, command: "set_removed", args: [{ image, name, removed: !removed }] };
    if (asked === project()) say(fill(removed ? words.removed : words.restored, { name }), true, undo);
  }

  function clear() { room.set({ photo: null, picture: null, rows: [], boxes: [], listed: [], hidden: 0, selected: null, hovered: null, asked: [], picked: null }); }

  // news: {message, act}, what is said once the image is there.
  async function open(id, news = null) {
    clearTimeout(scoring);
    if (id === null || id === undefined) { clear(); return; }
    edits.flush();
    const asked = project();
    const isWished = () => { const { queue, at } = room.state; return project() === asked && queue && queue.ids[at] === id; };
    if (edits.isPending(asked, id)) {
      // Who comes back at once sees his own changes.
      await edits.settled(asked, id);
      photos.delete(photoKey(id, asked));
      if (!isWished()) return;
    }
    let answer;
    try { answer = await fetchPhoto(id); } catch (error) { if (isWished()) say(String(error.message || error), false); return; }
    if (!isWished()) return;  // the person is somewhere else by now
    // Edited while it was asked for: what came is old.
    if (edits.isPending(asked, id)) { await open(id, news); return; }
    photos.delete(photoKey(id, asked));
    edits.setVersion(asked, id, answer.photo.version);
    know(answer);
    scoring = setTimeout(() => rescore(id), SCORE_REST_MS);
    ahead(room.state.at + 1);
    const { photo } = room.state;
    if (photo && photo.id === id && photo.version === answer.photo.version) {
      // As it is shown already: the choice stays, and words that are being written.
      room.set({ photo: answer.photo, asked: answer.asked });
      point();
      return;
    }
    if (!news) finished = null;
    say(news ? news.message : "", true, news && news.act, Boolean(news && news.stays));
    numbers.clear();
    room.set({ picked: null, listed: [], photo: answer.photo, picture: { url: answer.photo.url, wh: [answer.photo.width, answer.photo.height] }, selected: null, hovered: null, asked: answer.asked });
    show(answer.boxes);
    point();
  }

  // Somebody came here to see one box.
  function point() {
    const box = (room.state.boxes || []).find((other) => other.id === wanted);
    wanted = null;
    if (!box) return;
    room.set({ selected: box.id });
    room.set({ look: { kind: "visit", id: box.id } });
  }

  // The next image is there before it is asked for.
  function ahead(at) {
    const id = (room.state.queue.ids || [])[at];
    if (id === undefined || edits.isPending(project(), id)) return;
    fetchPhoto(id).then(({ photo }) => { new Image().src = photo.url; }).catch(() => {});
  }

  // ---------------------------------------------------------------- boxes

  const byReading = (a, b) => (a.state === "proposed" ? 0 : 1) - (b.state === "proposed" ? 0 : 1) || a.y - b.y || a.x - b.x;

  const isOut = (row) => (row.state === "rejected" ? 1 : 0);

  function show(rows) {
    const { project: opened, score_min = 0, proposals = true, show_rejected: refused = false } = room.state;
    const classes = (opened || {}).classes || [];
    const fresh = rows.filter((row) => !numbers.has(row.id)).sort((a, b) => isOut(a) - isOut(b) || byReading(a, b));
    for (const row of fresh) numbers.set(row.id, numbers.size + 1);
    const shown = rows.filter((row) => (row.state === "rejected" ? refused : row.state !== "proposed" || (proposals && row.certainty >= score_min)));
    const boxes = shown.map((row) => {
      const at = Math.max(0, classes.indexOf(row.class_name));
      return { ...row, number: numbers.get(row.id), label: row.caption || row.class_name, color: at % props.colors, mark: (at + Math.floor(at / props.colors)) % props.marks };
    });
    const places = new Map((room.state.listed || []).map((row, i) => [row.id, i]));
    const kept = boxes.filter((box) => places.has(box.id)).sort((a, b) => places.get(a.id) - places.get(b.id));
    // The list keeps its order while one works in it; new boxes come last.
    const listed = kept.length ? [...kept, ...boxes.filter((box) => !places.has(box.id))] : [...boxes].sort(byReading);
    room.set({ rows, boxes, listed, hidden: rows.filter((row) => row.state === "proposed").length - boxes.filter((box) => box.state === "proposed").length });
  }

  // What is known to be in the picture and has no box yet, but for what is marked as absent.
  function tellMissing() {
    const { photo, rows = [], asked = [], picked } = room.state;
    const boxed = rows.filter((row) => row.state !== "rejected").map((row) => row.caption);
    const absent = new Set(asked.filter((one) => one.confirmed && !one.found).map((one) => one.caption));
    const missing = ((photo || {}).given || []).filter((caption) => {
      const at = boxed.indexOf(caption);
      if (at >= 0) boxed.splice(at, 1);
      return at < 0 && !absent.has(caption);
    });
    room.set({ missing, next_caption: missing.includes(picked) ? picked : missing[0] || "" });
  }

  // A type that somebody has just written or renamed has its color and its key from now on. A list
  // that is only the beginning of the known one was fetched earlier.
  function know({ classes = [] }) {
    const { project: opened } = room.state;
    if (classes.some((name, i) => name !== opened.classes[i])) room.set({ project: { ...opened, classes } });
  }

  const told = () => ({ project: project(), who: room.state.who || "" });

  // A removed image is as it is until it is back. What comes between two images is dropped: nobody
  // has seen the next one yet.
  function refuses() {
    if (!isFixed()) return false;
    const { photo } = room.state;
    show(room.state.rows || []);
    if (photo && !isBetween()) say(words.fixed);
    return true;
  }

  // A change is shown at once and sent after it.
  function change(rows, made, { state, hold_ms, key } = {}) {
    if (refuses()) return;
    const { photo } = room.state;
    clearTimeout(scoring);
    finished = null;
    show(rows);
    say("");
    if (state) room.set({ photo: { ...photo, state } });
    edits.push({ ...told(), image: photo.id, edits: made, state, hold_ms, key });
  }

  // Undo right after an image was finished means that, and leads back to it.
  function travel(step) {
    if (step === "undo" && finished) {
      const image = finished;
      finished = null;
      say("");
      edits.push({ ...told(), image, step });
      room.set({ goto: { image } });
    } else if (!refuses()) edits.push({ ...told(), image: room.state.photo.id, step });
  }

  function send(entry) {
    const { project: key, who, image, version, token } = entry;
    const sent = { visit: room.state.visit, project: key, who, image, version, token };
    if (entry.step) return server.step({ ...sent, step: entry.step });
    return server.edit({ ...sent, edits: entry.edits, state: entry.state || "" });
  }

  function answered(entry, answer, more) {
    photos.delete(photoKey(entry.image, entry.project));
    if (entry.project === project()) {
      if (answer.progress) room.set({ progress: answer.progress });
      know(answer);
      if (answer.photo) mark(entry.image, answer.photo.state);
    }
    if ((answer.conflict || answer.error) && entry.project === project() && entry.image === finished) finished = null;
    if (!isShown(entry.project, entry.image)) {
      if (answer.conflict || answer.error) say(answer.conflict || answer.error, false);
      return;
    }
    if (answer.photo && !more) room.set({ photo: answer.photo });
    if (answer.error) { say(answer.error, false); reload(entry.image); return; }
    if (answer.boxes) {
      // Undo, redo, or what somebody else made of the image.
      const still = answer.boxes.some((box) => box.id === room.state.selected);
      show(answer.boxes);
      room.set({ asked: answer.asked });
      const turned = (answer.changed || [])[0];
      room.set({ selected: turned && answer.boxes.some((box) => box.id === turned.id) ? turned.id : still ? room.state.selected : null });
      say(answer.conflict || answer.said || "", !answer.conflict);
    } else if (answer.changed) {
      merge(answer, more);
      if (answer.said) say(answer.said, true, { text: words.undo, command: "undo", brief: true });
    }
    if (!more) scoring = setTimeout(() => rescore(entry.image), 0);
  }

  async function reload(image) {
    const asked = project();
    photos.delete(photoKey(image));
    try {
      const answer = await fetchPhoto(image);
      if (edits.isPending(asked, image)) return;  // edited again: its answer says more
      edits.setVersion(asked, image, answer.photo.version);
      if (isShown(asked, image)) { room.set({ photo: answer.photo }); show(answer.boxes); }
    } catch (error) { say(String(error.message || error), false); }
  }

  // New boxes get their numbers; the rest is as shown unless something newer is under way.
  function merge({ changed, deleted = [] }, more) {
    const fresh = new Map(changed.map((box) => [box.id, box]));
    const keyOf = (row) => row.key ?? (row.id < 0 ? row.id : undefined);
    const gone = new Set(deleted);
    const rows = room.state.rows.filter((row) => !gone.has(edits.real(row.id))).map((row) => {
      const id = edits.real(row.id);
      const told = fresh.get(id);
      const key = keyOf(row);
      if (id !== row.id) { numbers.set(id, numbers.get(row.id)); numbers.delete(row.id); }
      return told && !more ? { ...told, rank: told.probability === null ? null : row.rank, of: row.of, key } : { ...row, id, key };
    });
    const here = new Set(rows.map((row) => row.id));
    // A box that is not shown yet; with more under way it may have been deleted here since.
    if (!more) rows.push(...changed.filter((box) => !here.has(box.id)));
    const selected = edits.real(room.state.selected);
    const listed = (room.state.listed || []).map((row) => ({ ...row, id: edits.real(row.id), key: keyOf(row) }));
    room.set({ listed, selected });
    show(rows);
  }

  async function rescore(image) {
    const asked = project();
    if (!isShown(asked, image) || room.state.photo.removed || !(room.state.rows || []).some((row) => row.caption && row.state !== "rejected")) return;
    try {
      const { scores } = await ask("score", { image });
      if (!isShown(asked, image) || edits.isPending(asked, image)) return;
      show(room.state.rows.map((row) => (scores[row.id] ? { ...row, ...scores[row.id] } : row)));
    } catch (error) { if (isShown(asked, image)) say(String(error.message || error), false); }
  }

  // ---------------------------------------------------------------- what others say

  // What leads away from a picture, or takes back, comes after the caption that a box is about to get.
  const LAST = ["done", "nothing", "skip", "next", "previous", "show", "take_out", "undo", "redo", "suggest"];
  const BETWEEN = ["next", "previous", "show", "undo"];
  const held = [];
  function run({ name, args = [] }) {
    const isLast = held.length > 0 || LAST.includes(name) || (name === "nudge" && (room.state.selected ?? null) === null);
    if (room.state.naming === "waits" && isLast && name !== "describe") { held.push({ name, args }); say(words.naming); return; }
    if (commands[name] && room.state.project) commands[name](...args);
  }
  room.on(["command"], ({ command }) => run(command));
  room.on(["naming"], ({ naming }) => {
    if (naming === "waits") return;
    const then = held.splice(0);
    if (naming === "failed") return;
    // What came after one of them that leads away was not meant for the picture that is left.
    for (const one of then) if (!isFixed() || BETWEEN.includes(one.name)) run(one);
  });
  room.on(["edit"], ({ edit }) => (edit.kind === "add" ? commands.add(edit.box) : commands.move(edit.id, edit.box)));
  room.on(["photo", "rows", "asked", "picked"], tellMissing);
  room.on(["score_min", "proposals", "show_rejected"], () => show(room.state.rows || []));
  room.on(["project"], (state, changed) => {
    const key = (state.project || {}).key;
    if (key === room.state.opened) { show(room.state.rows || []); return; }
    edits.flush();
    photos.clear();
    finished = null;
    // Nothing of the project before can be pressed or changed any more.
    // Which of its pictures were shown says nothing about those of this one.
    room.set({ opened: key, only: "", sought: "", queue: null, at: -1, progress: null });
    clear();
    loadQueue();
  });
  room.on(["order", "only", "sought", "queue_again"], ({ queue_again: again }, changed) => {
    photos.clear();
    if (room.state.opened && !changed.includes("opened")) loading = loadQueue(changed.includes("queue_again") ? again.to : undefined);
  });
  room.on(["goto"], ({ goto }) => {
    const { queue, at, photo } = room.state;
    wanted = goto.box || null;
    if (photo && photo.id === goto.image && queue && queue.ids[at] === goto.image) point();
    else if (queue && queue.ids.includes(goto.image)) go(goto.image);
    else room.set({ only: "", sought: "", queue_again: { to: goto.image } });
  });
  room.set({ tool: matchMedia("(pointer: coarse)").matches ? "pan" : "draw", score_min: 0 });
}
