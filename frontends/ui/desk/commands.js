// What each command does to the boxes of the image that is open. Every change is seen at once and
// sent as an edit; commands come from keys, buttons and the picture.
//
// In: the room and change(next boxes, edits, options). Out: a table of functions by command.
function createCommands({ room, change, send, go, say, real, isFixed, isBetween, setRemoved, unnamed, words }) {
  const NUDGE_HOLD_MS = 450;
  const LARGE_STEP_PX = 10;
  const PASTE_SHIFT_PX = 12;
  let local = -1;
  let copied = null;
  let classLast = null;
  let classChosen = false;  // for the next box

  const rows = () => room.state.rows || [];
  const photo = () => room.state.photo;
  const selected = () => rows().find((row) => row.id === room.state.selected) || null;
  // The same for what can be done with a box alone: without one it is said how to choose one.
  function chosen() {
    if (isBetween()) return null;
    if (!selected() && photo()) say(words.choose_first);
    return selected();
  }
  const xyxy = ({ x, y, w, h }) => [x, y, x + w, y + h];
  const isShown = (row) => (room.state.boxes || []).some((box) => box.id === row.id);
  const waits = (row) => row.state === "proposed" && isShown(row);
  const rowOf = (id) => rows().find((row) => row.id === real(id)) || null;
  const put = (row) => rows().map((other) => (other.id === row.id ? row : other));
  const select = (row) => room.set({ selected: row ? row.id : null });

  // Boxes in reading order, as the list shows them.
  const inOrder = () => (room.state.listed || rows()).filter(isShown);

  function nextWaiting(after) {
    const order = inOrder();
    const at = order.findIndex((row) => row.id === after.id);
    const later = [...order.slice(at + 1), ...order.slice(0, Math.max(at, 0))];
    return later.find((row) => row.id !== after.id && waits(row)) || null;
  }

  function step(by) {
    const order = inOrder();
    if (order.length === 0) return;
    const at = order.findIndex((row) => row.id === room.state.selected);
    select(order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length]);
  }

  const unscored = { logit: null, probability: null, rank: null };

  // The type that most boxes of the picture have: a new one is likely of it, too.
  function usualClass() {
    const counts = new Map();
    for (const row of rows()) if (row.state !== "rejected" && row.class_name) counts.set(row.class_name, (counts.get(row.class_name) || 0) + 1);
    return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), ["", 0])[0];
  }
  room.on(["opened"], () => { classLast = null; classChosen = false; });  // types of another project

  // What is drawn is what was known to be there and has no box yet; its caption tells the type.
  function add(box, { class_name, caption } = { caption: room.state.next_caption }) {
    if (!photo()) return;
    const id = local;
    local -= 1;
    const follows = Boolean(caption) && !class_name && !classChosen;
    classChosen = false;
    const name = class_name || classLast || usualClass() || room.state.project.classes[0];
    const row = { id, ...box, state: "confirmed", class_name: name, caption: caption || "", detector: null, certainty: 1, ...unscored, source: "", own: true };
    change([...rows(), row], [{ kind: "add", local: id, xyxy: xyxy(box), class_name: name, caption: row.caption, follows }]);
    select(row);
  }

  function nextCaption() {
    const { missing = [], next_caption: now } = room.state;
    const kinds = [...new Set(missing)];
    if (kinds.length) room.set({ picked: kinds[(kinds.indexOf(now) + 1) % kinds.length] });
  }

  function move(id, box, hold_ms) {
    const row = rowOf(id);
    if (!row || (row.x === box.x && row.y === box.y && row.w === box.w && row.h === box.h)) return;
    const next = { ...row, ...box, state: "confirmed", ...unscored };
    change(put(next), [{ kind: "move", box: id, xyxy: xyxy(box) }], { hold_ms, key: hold_ms ? `move ${id}` : "" });
  }

  function describe(row, told) {
    const same = Object.keys(told).every((key) => row[key] === told[key]);
    if (same) return;
    if (told.class_name) classLast = told.class_name;
    const scores = told.caption === undefined ? {} : unscored;
    change(put({ ...row, ...told, ...scores, state: "confirmed" }), [{ kind: "describe", box: row.id, ...told }]);
  }

  function accept(row) {
    if (!row) { acceptAll(); return; }
    if (row.state !== "confirmed") change(put({ ...row, state: "confirmed" }), [{ kind: "accept", box: row.id }]);
    select(nextWaiting(row) || row);
  }

  function acceptAll() {
    const chosen = rows().filter(waits);
    if (chosen.length === 0) return;
    const ids = new Set(chosen.map((row) => row.id));
    change(rows().map((row) => (ids.has(row.id) ? { ...row, state: "confirmed" } : row)), chosen.map((row) => ({ kind: "accept", box: row.id })));
  }

  // What was proposed is refused, so that it is not proposed again; what a person drew here goes.
  function remove(row) {
    if (!row || row.state === "rejected") return;
    const next = nextWaiting(row);
    if (row.own) change(rows().filter((other) => other.id !== row.id), [{ kind: "delete", box: row.id }]);
    else change(put({ ...row, state: "rejected" }), [{ kind: "reject", box: row.id }]);
    select(next);
  }

  // Done: what is seen is right. Proposals that are hidden by the filter are not.
  function done() {
    if (isFixed()) return;
    const edits = rows().filter((row) => row.state === "proposed").map((row) => ({ kind: waits(row) ? "accept" : "reject", box: row.id }));
    finish("done", edits, (row) => (row.state === "proposed" ? { ...row, state: waits(row) ? "confirmed" : "rejected" } : row));
  }

  function nothing() {
    if (isFixed()) return;
    const edits = rows().filter((row) => row.state !== "rejected").map((row) => ({ kind: row.own ? "delete" : "reject", box: row.id }));
    finish("nothing", edits, (row) => ({ ...row, state: "rejected" }));
  }

  // how: "done", "nothing" (done too, without a box) or "skipped".
  function finish(how, edits, turn) {
    const { id, name, state: before } = photo();
    const state = how === "skipped" ? how : "done";
    change(rows().map(turn), edits, { state });
    const kept = rows().filter((row) => row.state === "confirmed");
    const { missing = [] } = room.state;
    go("next", {
      finished: {
        state, how, image: id, name, missing: missing.length, empty: !kept.length, unnamed: nameless(kept),
        changed: edits.length > 0 || state !== before,
      },
    });
  }

  // How many boxes say nothing of what they hold, where others do.
  function nameless(kept) {
    const isSilent = (row) => !row.caption && row.class_name === unnamed;
    const said = room.state.project.classes.length > 1 || kept.some((row) => row.caption);
    return said ? kept.filter(isSilent).length : 0;
  }

  function nudge(event) {
    const row = selected();
    const far = event.shiftKey ? LARGE_STEP_PX : 1;
    const by = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    if (!row) {
      if (by[0]) go(by[0] > 0 ? "next" : "previous");
      return;
    }
    const { width, height } = photo();
    const within = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
    const box = event.altKey
      ? { x: row.x, y: row.y, w: within(row.w + by[0], Math.min(3, row.w), width - row.x), h: within(row.h + by[1], Math.min(3, row.h), height - row.y) }
      : { x: within(row.x + by[0], 0, width - row.w), y: within(row.y + by[1], 0, height - row.h), w: row.w, h: row.h };
    move(row.id, box, NUDGE_HOLD_MS);
  }

  function paste() {
    if (!copied || !photo()) return;
    const { width, height } = photo();
    const shift = copied.image === photo().id ? PASTE_SHIFT_PX : 0;
    const [w, h] = [Math.min(copied.w, width), Math.min(copied.h, height)];
    const box = { x: Math.min(copied.x + shift, width - w), y: Math.min(copied.y + shift, height - h), w, h };
    add(box, copied);
    copied = { ...copied, ...box, image: photo().id };
  }

  function classAt(index) {
    const name = (room.state.project.classes || [])[index];
    const row = selected();
    if (!name) return;
    classLast = name;
    if (row) describe(row, { class_name: name });
    else { classChosen = true; say(words.class_next.replace("{name}", name)); }
  }

  const look = (told) => room.set({ look: { ...told } });
  return {
    nudge, paste, add, move, done, nothing,
    describe: (id, told) => { const row = rowOf(id); if (row) describe(row, told); },
    accept: (id) => accept(id === undefined ? selected() : rowOf(id)),
    accept_all: acceptAll,
    remove: (id) => remove(id === undefined ? selected() : rowOf(id)),
    absent: (caption, absent) => { if (photo()) change(rows(), [{ kind: "absent", caption, absent }]); },
    skip: () => { if (!isFixed()) finish("skipped", [], (row) => row); },
    // The picture that is open: out of the project, or back.
    take_out: () => { if (photo() && room.state.queue.ids[room.state.at] === photo().id) setRemoved({ image: photo().id, name: photo().name, removed: !photo().removed }); },
    set_removed: setRemoved,
    show: go,
    next: () => go("next"),
    previous: () => go("previous"),
    next_box: () => step(1),
    previous_box: () => step(-1),
    undo: () => send("undo"),
    redo: () => send("redo"),
    copy: () => { const row = selected(); if (row) { copied = { x: row.x, y: row.y, w: row.w, h: row.h, class_name: row.class_name, caption: row.caption, image: photo().id }; say(words.copied); } },
    class_at: classAt,
    centre: () => { if (selected()) look({ kind: "visit", id: room.state.selected }); },
    fit: () => look({ kind: "fit" }),
    zoom_in: () => look({ kind: "zoom", factor: 1.4 }),
    zoom_out: () => look({ kind: "zoom", factor: 1 / 1.4 }),
    draw: () => room.set({ tool: "draw" }),
    hand: () => room.set({ tool: "pan" }),
    proposals: () => room.set({ proposals: room.state.proposals === false }),
    rejected: () => room.set({ show_rejected: !room.state.show_rejected }),
    let_go: () => { if (selected()) select(null); else look({ kind: "fit" }); },
    caption: () => { if (chosen()) room.set({ focus: { field: "caption" } }); },
    class: () => { if (chosen()) room.set({ focus: { field: "class" } }); },
    next_caption: nextCaption,
    suggest: () => {
      if (photo() && photo().removed) say(words.fixed);
      else if (chosen() && selected().state === "rejected") say(words.accept_first);
      else if (chosen()) room.set({ suggest: {} });
    },
    find: () => room.set({ focus: { field: "sought" } }),
    review: () => room.set({ sheet: { name: "review" } }),
    help: () => room.set({ sheet: { name: "help" } }),
  };
}
