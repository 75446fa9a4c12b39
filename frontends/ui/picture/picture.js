// The picture with boxes. Boxes are drawn in screen pixels and redrawn when the view moves, so a
// line is one crisp pixel at any zoom. Coordinates: pixels of the picture, measured at edges.
//
// In: props.value {image, display, boxes} (two files; `display` where the browser cannot show the
// image itself), or the room's `boxes`, `picture` {url, wh} and `preview` {url}; with props.fixed it takes no picture
// from the person; the room's `closely` {value} asks for another look. Out: events `pick`, `look`, and the room's `image`, `hovered`, `selected`, `busy`.
// With props.editable boxes can be drawn and changed (editing.js): the room's `edit` tells how; keys
// and the room's `look` {kind, id?} move the view.
function createPicture({ element, props, trigger, upload, watch }) {
  const { room: openRoom, element: make, svg, mark, percent, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const [root, stage, image, overlay, labels, lens] =
    ["picture", "stage", "image", "overlay", "labels", "lens"].map(find);

  const LENS_BELOW_PX = 40;
  const PIXELS_FROM = 4;
  const MINOR_LABELS = 40;
  const SHORT_LABELS = 60;
  const NUMBERS_BELOW_PX = 560;
  const MEANT_SHOWN = 4;

  const view = createView({ stage, changed: draw });
  const editing = props.editable && createEditing({
    stage, view, room, hit, words,
    boxOf: (id) => boxes.find((box) => box.id === id) || null,
    show: (box) => { boxes = [...boxes.filter((other) => other.id !== box.id), box]; draw(); },
    settle: () => { boxes = room.state.boxes || []; draw(); },
  });
  let boxes = [];

  // ---------------------------------------------------------------- words

  find("zoom-in").setAttribute("aria-label", words.zoom_in);
  find("zoom-out").setAttribute("aria-label", words.zoom_out);
  find("fit").setAttribute("aria-label", words.fit);
  stage.setAttribute("aria-label", props.editable ? words.stage_edit : words.stage);
  stage.setAttribute("aria-roledescription", words.role);

  // ---------------------------------------------------------------- drawing

  let frame = 0;
  function draw() {
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; paint(); });
  }

  function paint() {
    if (!view.size) {
      // No picture: nothing of the one before stays.
      overlay.replaceChildren();
      labels.replaceChildren();
      lens.hidden = true;
      return;
    }
    image.style.width = `${view.size[0]}px`;
    image.style.height = `${view.size[1]}px`;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    image.toggleAttribute("data-pixels", view.scale >= PIXELS_FROM);
    if (editing) room.set({ numbered: isNumbered() });
    find("fit").textContent = view.fitted ? words.fitted : `${Math.round(view.scale * 100)} %`;
    const drawn = [...boxes].sort((a, b) => weight(a) - weight(b));
    overlay.replaceChildren(...drawn.map(paintBox));
    paintLabels();
    if (editing) overlay.append(...editing.paint());
    paintLens();
  }

  const isLit = (box) => box.id === room.state.hovered || box.id === room.state.selected;
  // Of these the picture tells little until they are asked for.
  const isQuiet = (box) => box.state === "candidate" || box.state === "distractor";
  const weight = (box) =>
    (box.state === "answer" ? 2 : box.state === "nearest" ? 1 : 0) + (isLit(box) ? 4 : 0);
  const colorOf = (box) => (box.color === null || box.color === undefined ? "" : `--box: var(--over-${box.color});`);

  // The line lies outside of the box, so that it covers none of the object.
  function paintBox(box) {
    const [x, y, w, h] = view.onScreen(box);
    const thick = (box.state === "answer" && !editing) || isLit(box);
    const out = thick ? 1 : 0.5;
    const left = Math.floor(x) - out;
    const top = Math.floor(y) - out;
    const frame = { x: left, y: top, width: Math.ceil(x + w) + out - left, height: Math.ceil(y + h) + out - top };
    const ring = { x: frame.x - 4, y: frame.y - 4, width: frame.width + 8, height: frame.height + 8 };
    const group = svg("g", { "data-state": box.state, "data-id": box.id, style: colorOf(box) }, [
      svg("rect", { class: "halo", ...frame }),
      svg("rect", { class: "line", ...frame }),
      svg("rect", { class: "ring", ...ring }),
    ]);
    group.toggleAttribute("data-lit", isLit(box));
    group.toggleAttribute("data-selected", box.id === room.state.selected);
    return group;
  }

  // On a small stage labels would hide the objects: there the boxes that are not asked for have
  // their numbers only, which the list has too.
  const isNumbered = () => Boolean(editing) && view.stageWh()[0] < NUMBERS_BELOW_PX;

  // Where boxes are changed, labels are short, so that they stay out of the way; above a wide box
  // there is room for more.
  function shortLabelOf(box) {
    const isBare = isNumbered() && !isLit(box);
    const room_px = Math.round(view.onScreen(box)[2]);
    const label = make("div", { class: "label short", style: `${colorOf(box)}--room: ${room_px}px`, title: box.label, "data-id": box.id }, [
      isNumbered() ? make("span", { class: "number", text: box.number }) : null,
      isBare ? null : make("span", { class: "title" }, [mark(box.mark), box.label]),
      isBare || box.probability === null ? null : make("span", { class: "share", text: percent(box.probability) }),
    ]);
    label.toggleAttribute("data-lit", isLit(box));
    label.dataset.state = box.state;
    return label;
  }

  // The mark of a caption in its own color, whichever the box has.
  function toned({ color, mark: index }) {
    const node = mark(index);
    node.style.fill = `var(--over-${color})`;
    return node;
  }

  // A caption with its mark; among several also with what else stands below: number and chance.
  function titleOf({ as, label, color, mark, sure }, number) {
    const told = words[as] ? fill(words[as], { label }) : label;
    const parts = [toned({ color, mark }), make("span", { class: "words", text: told })];
    if (number === null) return make("span", { class: "title" }, parts);
    return make("span", { class: "title among" }, [make("span", { class: "number", text: number }), ...parts, make("span", { class: "chance", text: sure })]);
  }

  function labelOf(box) {
    if (editing) return shortLabelOf(box);
    const major = !isQuiet(box) || isLit(box);
    const label = make("div", { class: "label", style: colorOf(box) });
    label.toggleAttribute("data-minor", !major);
    label.toggleAttribute("data-lit", isLit(box));
    label.dataset.id = box.id;
    const meant = box.meant || (box.mark !== null && box.mark !== undefined ? [box] : []);
    const isShared = meant.length > 1;
    for (const one of meant.slice(0, MEANT_SHOWN)) label.append(titleOf(one, isShared ? box.number : null));
    if (meant.length > MEANT_SHOWN) label.append(make("span", { class: "rest", text: fill(words.more, { count: meant.length - MEANT_SHOWN }) }));
    if (box.state === "distractor") label.append(make("span", { class: "title", text: box.label }));
    // Boxes that are known to be true have nothing to be sure of.
    if (box.probability === undefined) return label;
    const numbers = make("span", { class: "numbers" }, isShared ? [] : [make("span", { class: "number", text: `${box.number}` })]);
    if (meant.length === 1) numbers.append(make("span", { class: "chance", text: meant[0].sure }));
    if (isLit(box)) {
      const similarity = make("span", { class: "detector" });
      if (box.asked.mark !== null) similarity.append(toned(box.asked));
      similarity.append(fill(words.similarity, { share: percent(box.probability) }));
      numbers.append(similarity, make("span", { class: "detector", text: fill(words.detector, { score: box.detector.toFixed(2) }) }));
    }
    label.append(numbers);
    return label;
  }

  function paintLabels() {
    const [width, height] = view.stageWh();
    const order = [...boxes].sort((a, b) => weight(b) - weight(a) || a.rank - b.rank);
    const must = (box) => isLit(box) || (!isQuiet(box) && (!editing || isNumbered()));
    const wanted = editing
      ? order.filter((box) => box.label && box.state !== "drawn" && !editing.isBusy()).slice(0, SHORT_LABELS)
      : order.filter((box) => must(box) || box.state === "distractor" || box.rank <= MINOR_LABELS);
    const nodes = wanted.map(labelOf);
    labels.replaceChildren(...nodes);
    const sizes = nodes.map((node) => [node.offsetWidth, node.offsetHeight]);
    const frames = boxes.map((box) => [box.id, view.onScreen(box), !isQuiet(box)]);
    const taken = [];
    wanted.forEach((box, i) => {
      const spot = placeLabel(view.onScreen(box), sizes[i], box.id, { frames, taken, width, height }, must(box));
      if (!spot) { nodes[i].remove(); return; }
      taken.push([spot.x, spot.y, ...sizes[i]]);
      nodes[i].style.transform = `translate(${Math.round(spot.x)}px, ${Math.round(spot.y)}px)`;
      if (spot.far) paintLeader(view.onScreen(box), [spot.x, spot.y, ...sizes[i]]);
    });
  }

  function paintLeader([x, y, w, h], [lx, ly, lw, lh]) {
    const near = (value, low, high) => Math.min(Math.max(value, low), high);
    const from = [near(x + w / 2, lx, lx + lw), near(y + h / 2, ly, ly + lh)];
    const to = [near(from[0], x, x + w), near(from[1], y, y + h)];
    const line = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
    overlay.append(svg("line", { class: "leader-halo", ...line }), svg("line", { class: "leader", ...line }));
  }

  // Small objects are shown enlarged beside themselves while they are hovered or selected.
  function paintLens() {
    const lit = boxes.find((box) => box.id === room.state.hovered);
    const box = lit || (room.state.hovered === null && boxes.find((other) => other.id === room.state.selected));
    const [x, y, w, h] = box ? view.onScreen(box) : [0, 0, 0, 0];
    const [width, height] = view.stageWh();
    const seen = box && x + w > 0 && y + h > 0 && x < width && y < height;
    lens.hidden = !seen || Math.max(w, h) >= LENS_BELOW_PX || stage.hasAttribute("data-dragging") || Boolean(editing && editing.isBusy());
    if (lens.hidden) return;
    const side = lens.offsetWidth;
    const zoom = Math.min(view.maxScale, (side * 0.6) / Math.max(box.w, box.h));
    const centre = [box.x + box.w / 2, box.y + box.h / 2];
    lens.style.cssText = `${colorOf(box)}background-image: url("${image.src}");` +
      `background-size: ${view.size[0] * zoom}px ${view.size[1] * zoom}px;` +
      `background-position: ${side / 2 - centre[0] * zoom}px ${side / 2 - centre[1] * zoom}px;` +
      (zoom >= PIXELS_FROM * 2 ? "image-rendering: pixelated;" : "");
    const inner = find("lens-box");
    inner.style.left = `${Math.round(side / 2 - (box.w * zoom) / 2)}px`;
    inner.style.top = `${Math.round(side / 2 - (box.h * zoom) / 2)}px`;
    inner.style.width = `${Math.round(box.w * zoom)}px`;
    inner.style.height = `${Math.round(box.h * zoom)}px`;
    const label = labels.querySelector(`[data-id="${box.id}"]`);
    const busy = label ? label.getBoundingClientRect() : null;
    const origin = stage.getBoundingClientRect();
    const taken = busy ? [busy.x - origin.x, busy.y - origin.y, busy.width, busy.height] : [0, 0, 0, 0];
    const [sx, sy] = placeLens([x, y, w, h], side, { taken, width, height });
    lens.style.transform = `translate(${Math.round(sx)}px, ${Math.round(sy)}px)`;
  }

  // ---------------------------------------------------------------- pointing and keys

  // The smallest box at a point of the stage.
  function hit(x, y, slack) {
    let best = null;
    for (const box of boxes) {
      const [bx, by, w, h] = view.onScreen(box);
      if (x < bx - slack || y < by - slack || x > bx + w + slack || y > by + h + slack) continue;
      if (!best || w * h < best.area) best = { id: box.id, area: w * h };
    }
    return best ? best.id : null;
  }

  connectPointing({
    stage,
    view,
    hit,
    hover: (id) => room.set({ hovered: id }),
    select: (id, byTouch) => room.set(byTouch ? { selected: id, hovered: null } : { selected: id }),
    settled: draw,
    editing,
  });

  function step(by) {
    const order = [...boxes].sort((a, b) => a.rank - b.rank || weight(b) - weight(a));
    if (order.length === 0) return;
    const at = order.findIndex((box) => box.id === room.state.selected);
    const next = order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length];
    room.set({ selected: next.id });
  }

  const keys = {
    ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1),
    "+": () => view.zoomCentre(1.4), "=": () => view.zoomCentre(1.4), "-": () => view.zoomCentre(1 / 1.4), 0: view.fit,
    Escape: () => { room.set({ selected: null }); view.fit(); },
    Enter: () => { const box = boxes.find((other) => other.id === room.state.selected); if (box) view.visit(box); },
  };
  const shifted = {
    ArrowRight: () => view.pan(-60, 0), ArrowLeft: () => view.pan(60, 0), ArrowDown: () => view.pan(0, -60), ArrowUp: () => view.pan(0, 60),
  };
  if (!editing) stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!view.size && !props.fixed && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); find("file").click(); return; }
    const run = view.size && ((event.shiftKey && shifted[event.key]) || keys[event.key]);
    if (!run) return;
    event.preventDefault();
    run();
  });
  find("zoom-in").addEventListener("click", () => view.zoomCentre(1.5));
  find("zoom-out").addEventListener("click", () => view.zoomCentre(1 / 1.5));
  find("fit").addEventListener("click", view.fit);

  // ---------------------------------------------------------------- a picture comes in

  function notice(message, isCalm = false) {
    const node = find("notice");
    node.textContent = message || "";
    node.hidden = !message;
    node.toggleAttribute("data-calm", isCalm);
  }

  function show(url) {
    if (src() === url) return;
    image.onload = () => measure([image.naturalWidth, image.naturalHeight]);
    image.src = url;
  }

  function measure(wh) {
    const same = view.size && view.size[0] === wh[0] && view.size[1] === wh[1];
    view.size = [...wh];
    root.dataset.phase = "shown";
    room.set({ image: image.src });
    find("facts").textContent = fill(words.size, { width: view.size[0], height: view.size[1] });
    if (same) draw();
    else view.fit();
  }

  // Nothing of the picture before stays until the next one is there.
  function open(url) {
    view.size = null;
    if (url) { show(url); return; }
    root.dataset.phase = "empty";
    image.onload = null;
    image.removeAttribute("src");
    room.set({ image: null });
    draw();
  }

  const src = () => image.getAttribute("src");
  const taking = createTaking({ props, room, words, upload, trigger, notice, open, src });
  if (props.fixed) root.toggleAttribute("data-fixed", true);
  else connectIntake({
    element,
    words,
    limit_bytes: props.upload_max_bytes,
    // What was wrong with the picture before is over, and cannot end what is said of this one.
    notice: (message, isCalm) => { room.set({ picture_error: "" }); notice(message, isCalm); },
    take: taking.take,
  });

  // ---------------------------------------------------------------- what others say

  function speak(state) {
    const box = boxes.find((other) => other.id === state.selected);
    find("spoken").textContent = box && (editing || box.probability === undefined) ? box.label : box
      ? fill(words.spoken, { number: box.number, rank: box.rank, label: box.asked.caption, probability: percent(box.probability), detector: box.detector.toFixed(2) })
      : "";
    if (box) view.reveal(box);
  }

  function receive(value) {
    if (!value || !value.image) return;
    const { url } = value.display || value.image;
    if (value.display && url !== src()) { room.set({ image_own: true }); open(url); }
    else if (!taking.isOwn(value)) show(url);
    if (value.boxes) room.set({ boxes: value.boxes });
  }

  room.on(["picture"], ({ picture }) => {
    if (!picture) { root.dataset.phase = "empty"; view.size = null; draw(); return; }
    image.onload = null;
    image.src = picture.url;
    if (editing) view.size = null;  // the next picture is seen whole, even one of the same size
    measure(picture.wh);
  });
  room.on(["preview"], ({ preview }) => {
    notice("");
    if (src() !== preview.url) open(preview.url);
  });
  room.on(["closely"], ({ closely }) => {
    // Part of the value: another picture is looked at as the settings say.
    props.value = { ...props.value, closely: closely.value };
    room.set({ busy: true });
    trigger("look");
  });
  room.on(["look"], ({ look }) => {
    if (!view.size) return;
    const box = boxes.find((other) => other.id === look.id);
    if (look.kind === "visit" && box) view.visit(box);
    else if (look.kind === "fit") view.fit();
    else if (look.kind === "zoom") view.zoomCentre(look.factor);
  });
  room.on(["boxes"], (state) => { boxes = state.boxes || []; draw(); });
  room.on(["hovered", "selected"], draw);
  room.on(["selected"], speak);
  room.on(["busy"], (state) => root.toggleAttribute("data-busy", Boolean(state.busy)));
  room.on(["picture_error"], (state) => notice(state.picture_error));
  watch("value", () => receive(props.value));
  new ResizeObserver(view.refresh).observe(stage);
  receive(props.value);
}
