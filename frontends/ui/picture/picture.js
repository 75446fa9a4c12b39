// The picture with boxes. Boxes are drawn in screen pixels and redrawn when the view moves, so a
// line is one crisp pixel at any zoom. Coordinates: pixels of the picture, measured at edges.
//
// In: props.value {image, display, boxes} (two files; `display` where the browser cannot show the
// image itself), or the room's `boxes`. Out: event `pick`, and the room's `image`, `hovered`,
// `selected`, `busy`.
function createPicture({ element, props, trigger, upload, watch }) {
  const { room: openRoom, element: make, svg, mark, percent, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const [root, stage, image, overlay, labels, lens] =
    ["picture", "stage", "image", "overlay", "labels", "lens"].map(find);

  const LENS_BELOW_PX = 40;
  const DRAG_FROM_PX = 4;
  const MAX_SCREEN_PER_PIXEL = 32;
  const PIXELS_FROM = 4;
  const MINOR_LABELS = 5;

  const view = { scale: 1, x: 0, y: 0, fitted: true };
  let size = null;
  let boxes = [];
  let localUrl = null;
  let localPath = null;

  // ---------------------------------------------------------------- words

  const touch = matchMedia("(pointer: coarse)").matches;
  find("invite-title").textContent = touch ? words.title_touch : words.title;
  find("invite-hint").textContent = words.hint;
  find("choose").textContent = words.choose;
  find("camera").textContent = words.camera;
  find("replace").textContent = words.replace;
  find("finder-take").textContent = words.take;
  find("finder-close").textContent = words.close;
  find("zoom-in").setAttribute("aria-label", words.zoom_in);
  find("zoom-out").setAttribute("aria-label", words.zoom_out);
  find("fit").setAttribute("aria-label", words.fit);
  stage.setAttribute("aria-label", words.stage);
  stage.setAttribute("aria-roledescription", words.role);

  // ---------------------------------------------------------------- view

  const stageSize = () => [stage.clientWidth, stage.clientHeight];

  function fitScale() {
    const [width, height] = stageSize();
    return Math.min(width / size[0], height / size[1], 8);
  }

  function fit() {
    if (!size) return;
    view.scale = fitScale();
    view.fitted = true;
    place();
  }

  // Keeps the picture in the stage: centred where it is smaller, without gaps where larger.
  function place() {
    const stageWh = stageSize();
    ["x", "y"].forEach((axis, i) => {
      const room_px = stageWh[i] - size[i] * view.scale;
      view[axis] = room_px >= 0 ? room_px / 2 : Math.min(0, Math.max(room_px, view[axis]));
    });
    stage.toggleAttribute("data-zoomed", !view.fitted);
    draw();
  }

  function zoomAt(factor, x, y) {
    if (!size) return;
    const least = fitScale();
    const most = Math.max(MAX_SCREEN_PER_PIXEL, least);
    const scale = Math.min(most, Math.max(least, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    view.fitted = scale <= least * 1.001;
    place();
  }

  const zoomCentre = (factor) => zoomAt(factor, ...stageSize().map((length) => length / 2));

  // Moves and zooms so that a box fills about a third of the stage.
  function visit(box) {
    const [width, height] = stageSize();
    const wanted = Math.min(width / box.w, height / box.h) * 0.35;
    view.scale = Math.min(MAX_SCREEN_PER_PIXEL, Math.max(fitScale(), wanted));
    view.fitted = view.scale <= fitScale() * 1.001;
    view.x = width / 2 - (box.x + box.w / 2) * view.scale;
    view.y = height / 2 - (box.y + box.h / 2) * view.scale;
    place();
  }

  function reveal(box) {
    if (view.fitted) return;
    const [width, height] = stageSize();
    const [x, y, w, h] = onScreen(box);
    if (x < 0 || y < 0 || x + w > width || y + h > height) {
      view.x += width / 2 - (x + w / 2);
      view.y += height / 2 - (y + h / 2);
      place();
    }
  }

  const onScreen = (box) => [
    view.x + box.x * view.scale, view.y + box.y * view.scale, box.w * view.scale, box.h * view.scale,
  ];

  // ---------------------------------------------------------------- drawing

  let frame = 0;
  function draw() {
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; paint(); });
  }

  function paint() {
    if (!size) return;
    image.style.width = `${size[0]}px`;
    image.style.height = `${size[1]}px`;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    image.toggleAttribute("data-pixels", view.scale >= PIXELS_FROM);
    find("fit").textContent = view.fitted ? words.fitted : `${Math.round(view.scale * 100)} %`;
    const drawn = [...boxes].sort((a, b) => weight(a) - weight(b));
    overlay.replaceChildren(...drawn.map(paintBox));
    paintLabels();
    paintLens();
  }

  const isLit = (box) => box.id === room.state.hovered || box.id === room.state.selected;
  const weight = (box) =>
    (box.state === "answer" ? 2 : box.state === "nearest" ? 1 : 0) + (isLit(box) ? 4 : 0);
  const colorOf = (box) => (box.color === null || box.color === undefined ? "" : `--box: var(--over-${box.color});`);

  // The line lies outside of the box, so that it covers none of the object.
  function paintBox(box) {
    const [x, y, w, h] = onScreen(box);
    const thick = box.state === "answer" || isLit(box);
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

  function labelOf(box) {
    const major = box.state !== "candidate" || isLit(box);
    const label = make("div", { class: "label", style: colorOf(box) });
    label.toggleAttribute("data-minor", !major);
    label.toggleAttribute("data-lit", isLit(box));
    label.dataset.id = box.id;
    if (box.mark !== null && box.mark !== undefined && box.state !== "candidate") {
      const title = make("span", { class: "title" }, [mark(box.mark)]);
      title.append(box.state === "nearest" ? fill(words.nearest, { label: box.label }) : box.label);
      label.append(title);
    }
    const numbers = make("span", { class: "numbers" }, [
      make("span", { class: "rank", text: `${box.rank}` }),
      make("span", { text: percent(box.probability) }),
    ]);
    if (major) numbers.append(make("span", { class: "detector", text: fill(words.detector, { score: box.detector.toFixed(2) }) }));
    label.append(numbers);
    return label;
  }

  function paintLabels() {
    const [width, height] = stageSize();
    const order = [...boxes].sort((a, b) => weight(b) - weight(a) || a.rank - b.rank);
    const must = (box) => box.state !== "candidate" || isLit(box);
    const wanted = order.filter((box) => must(box) || box.rank <= MINOR_LABELS);
    const nodes = wanted.map(labelOf);
    labels.replaceChildren(...nodes);
    const sizes = nodes.map((node) => [node.offsetWidth, node.offsetHeight]);
    const frames = boxes.map((box) => [box.id, onScreen(box), box.state !== "candidate"]);
    const taken = [];
    wanted.forEach((box, i) => {
      const spot = placeLabel(onScreen(box), sizes[i], box.id, { frames, taken, width, height }, must(box));
      if (!spot) { nodes[i].remove(); return; }
      taken.push([spot.x, spot.y, ...sizes[i]]);
      nodes[i].style.transform = `translate(${Math.round(spot.x)}px, ${Math.round(spot.y)}px)`;
      if (spot.far) paintLeader(onScreen(box), [spot.x, spot.y, ...sizes[i]]);
    });
  }

  const overlap = (a, b) =>
    Math.max(0, Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]));

  // Tries the sides of the box, then the same farther away (with a leader line); a label that
  // has to be seen takes the least bad place, another one stays away.
  function placeLabel([x, y, w, h], [lw, lh], id, { frames, taken, width, height }, must) {
    if (x > width || y > height || x + w < 0 || y + h < 0) return null;
    let best = null;
    for (const gap of [5, 22, 46, 80]) {
      const spots = [
        [x - 2, y - lh - gap], [x - 2, y + h + gap], [x + w - lw + 2, y - lh - gap],
        [x + w - lw + 2, y + h + gap], [x + w + gap, y - 1], [x - lw - gap, y - 1],
        [x + w + gap, y + h - lh + 1], [x - lw - gap, y + h - lh + 1],
      ];
      spots.forEach(([sx, sy], i) => {
        const cx = Math.min(Math.max(sx, 4), Math.max(4, width - lw - 4));
        const cy = Math.min(Math.max(sy, 4), Math.max(4, height - lh - 4));
        const spot = [cx, cy, lw, lh];
        const area = lw * lh;
        let cost = i * 0.01 + (gap > 5 ? 0.05 + gap / 400 : 0) + (Math.abs(cx - sx) + Math.abs(cy - sy)) / 200;
        for (const other of taken) cost += (4 * overlap(spot, other)) / area;
        for (const [otherId, frame, heavy] of frames) {
          const least = Math.min(area, Math.max(1, frame[2] * frame[3]));
          cost += ((otherId === id || heavy ? 3 : 1) * overlap(spot, frame)) / least;
        }
        if (!best || cost < best.cost) best = { x: cx, y: cy, cost, far: gap > 5 };
      });
      if (best.cost < 0.1) break;
    }
    return must || best.cost < 0.3 ? best : null;
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
    const [x, y, w, h] = box ? onScreen(box) : [0, 0, 0, 0];
    const [width, height] = stageSize();
    const seen = box && x + w > 0 && y + h > 0 && x < width && y < height;
    lens.hidden = !seen || Math.max(w, h) >= LENS_BELOW_PX || stage.hasAttribute("data-dragging");
    if (lens.hidden) return;
    const side = lens.offsetWidth;
    const zoom = Math.min(MAX_SCREEN_PER_PIXEL, (side * 0.6) / Math.max(box.w, box.h));
    const centre = [box.x + box.w / 2, box.y + box.h / 2];
    lens.style.cssText = `${colorOf(box)}background-image: url("${image.src}");` +
      `background-size: ${size[0] * zoom}px ${size[1] * zoom}px;` +
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
    const spots = [
      [x + w + 24, y + h / 2 - side / 2], [x - side - 24, y + h / 2 - side / 2],
      [x + w / 2 - side / 2, y + h + 24], [x + w / 2 - side / 2, y - side - 24],
      [0, 0], [width, 0], [0, height], [width, height],
    ].map(([sx, sy]) => [
      Math.min(Math.max(sx, 8), Math.max(8, width - side - 8)),
      Math.min(Math.max(sy, 8), Math.max(8, height - side - 8)), side, side,
    ]);
    const cost = (spot) => overlap(spot, taken) + 3 * overlap(spot, [x, y, w, h]);
    const [sx, sy] = spots.reduce((best, spot) => (cost(spot) < cost(best) ? spot : best));
    lens.style.transform = `translate(${Math.round(sx)}px, ${Math.round(sy)}px)`;
  }

  // ---------------------------------------------------------------- pointing

  function hit(x, y, slack) {
    let best = null;
    for (const box of boxes) {
      const [bx, by, w, h] = onScreen(box);
      if (x < bx - slack || y < by - slack || x > bx + w + slack || y > by + h + slack) continue;
      if (!best || w * h < best.area) best = { id: box.id, area: w * h };
    }
    return best ? best.id : null;
  }

  const pointers = new Map();
  let moved = 0;
  let pinch = null;

  function local(event) {
    const origin = stage.getBoundingClientRect();
    return [event.clientX - origin.x, event.clientY - origin.y];
  }

  stage.addEventListener("pointerdown", (event) => {
    if (!size || event.button > 0 || event.target.closest("button")) return;
    pointers.set(event.pointerId, local(event));
    moved = pointers.size > 1 ? Infinity : 0;
    pinch = null;
  });

  stage.addEventListener("pointermove", (event) => {
    if (!size) return;
    const at = local(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") {
        const chip = event.target.closest(".label");
        const id = chip ? Number(chip.dataset.id) : hit(...at, 5);
        stage.toggleAttribute("data-over", id !== null);
        room.set({ hovered: id });
      }
      return;
    }
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, at);
    if (pointers.size === 1) {
      const step = [at[0] - before[0], at[1] - before[1]];
      moved += Math.hypot(...step);
      if (moved < DRAG_FROM_PX || view.fitted) return;
      if (!stage.hasAttribute("data-dragging")) {
        stage.setPointerCapture(event.pointerId);
        stage.toggleAttribute("data-dragging", true);
      }
      view.x += step[0];
      view.y += step[1];
      place();
    } else if (pointers.size === 2) {
      const [a, b] = [...pointers.values()];
      const now = { far: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
      if (pinch) {
        view.x += now.x - pinch.x;
        view.y += now.y - pinch.y;
        zoomAt(now.far / pinch.far, now.x, now.y);
      }
      pinch = now;
    }
  });

  function release(event) {
    if (!pointers.delete(event.pointerId)) return;
    pinch = null;
    stage.removeAttribute("data-dragging");
    if (event.type === "pointerup" && moved < DRAG_FROM_PX) {
      const chip = event.target.closest(".label");
      const id = chip ? Number(chip.dataset.id) : hit(...local(event), event.pointerType === "touch" ? 14 : 5);
      room.set({ selected: id, ...(event.pointerType === "touch" ? { hovered: null } : {}) });
    }
    draw();
  }
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", () => { stage.removeAttribute("data-over"); room.set({ hovered: null }); });
  stage.addEventListener("dblclick", (event) => { if (!event.target.closest("button")) fit(); });
  stage.addEventListener("wheel", (event) => {
    if (!size) return;
    // At full view, scrolling away belongs to the page.
    if (view.fitted && event.deltaY > 0 && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoomAt(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...local(event));
  }, { passive: false });

  // ---------------------------------------------------------------- keys

  function step(by) {
    const order = [...boxes].sort((a, b) => a.rank - b.rank || weight(b) - weight(a));
    if (order.length === 0) return;
    const at = order.findIndex((box) => box.id === room.state.selected);
    const next = order[at < 0 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length];
    room.set({ selected: next.id });
  }

  function pan(dx, dy) {
    view.x += dx;
    view.y += dy;
    place();
  }

  const keys = {
    ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1),
    "+": () => zoomCentre(1.4), "=": () => zoomCentre(1.4), "-": () => zoomCentre(1 / 1.4), 0: fit,
    Escape: () => { room.set({ selected: null }); fit(); },
    Enter: () => { const box = boxes.find((other) => other.id === room.state.selected); if (box) visit(box); },
  };
  const shifted = {
    ArrowRight: () => pan(-60, 0), ArrowLeft: () => pan(60, 0), ArrowDown: () => pan(0, -60), ArrowUp: () => pan(0, 60),
  };
  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!size && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); find("file").click(); return; }
    const run = size && ((event.shiftKey && shifted[event.key]) || keys[event.key]);
    if (!run) return;
    event.preventDefault();
    run();
  });
  find("zoom-in").addEventListener("click", () => zoomCentre(1.5));
  find("zoom-out").addEventListener("click", () => zoomCentre(1 / 1.5));
  find("fit").addEventListener("click", fit);

  // ---------------------------------------------------------------- a picture comes in

  function notice(message) {
    const node = find("notice");
    node.textContent = message || "";
    node.hidden = !message;
  }

  function show(url) {
    if (image.getAttribute("src") === url) return;
    image.onload = () => measure([image.naturalWidth, image.naturalHeight]);
    image.src = url;
  }

  function measure(wh) {
    const same = size && size[0] === wh[0] && size[1] === wh[1];
    size = [...wh];
    root.dataset.phase = "shown";
    room.set({ image: image.src });
    find("facts").textContent = fill(words.size, { width: size[0], height: size[1] });
    if (same) draw();
    else fit();
  }

  async function take(file) {
    if (!file) return;
    const named = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i.test(file.name);
    if (!file.type.startsWith("image/") && !named) { notice(words.not_a_picture); return; }
    if (file.size > props.upload_max_bytes) {
      notice(fill(words.too_large, { size: (file.size / 1e6).toFixed(0), limit: (props.upload_max_bytes / 1e6).toFixed(0) }));
      return;
    }
    notice("");
    if (localUrl) URL.revokeObjectURL(localUrl);
    localUrl = URL.createObjectURL(file);
    room.set({ boxes: [], selected: null, hovered: null, busy: true, answer: null });
    size = null;
    show(localUrl);
    try {
      const { path, url } = await upload(file);
      const meta = { _type: "gradio.FileData" };
      localPath = path;
      props.value = { image: { path, url, orig_name: file.name, meta } };
      trigger("pick");
    } catch (error) {
      room.set({ busy: false });
      notice(words.upload_failed);
    }
  }

  const inputs = [find("file"), find("shot")];
  for (const input of inputs) {
    input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
  }
  find("choose").addEventListener("click", () => find("file").click());
  find("replace").addEventListener("click", () => find("file").click());

  stage.addEventListener("dragover", (event) => { event.preventDefault(); stage.toggleAttribute("data-dropping", true); });
  stage.addEventListener("dragleave", () => stage.removeAttribute("data-dropping"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.removeAttribute("data-dropping");
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData ? event.clipboardData.files : [])][0];
    if (file && element.offsetParent !== null) { event.preventDefault(); take(file); }
  });

  // ---------------------------------------------------------------- camera

  let stream = null;
  function closeFinder() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    find("finder").hidden = true;
  }

  find("camera").addEventListener("click", async () => {
    // On a phone the system's own camera is better than ours.
    if (touch) { find("shot").click(); return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
      const video = find("finder-video");
      video.srcObject = stream;
      find("finder").hidden = false;
      await video.play();
      find("finder-take").focus();
    } catch (error) {
      closeFinder();
      notice(words.no_camera);
    }
  });
  find("finder-close").addEventListener("click", closeFinder);
  find("finder-take").addEventListener("click", () => {
    const video = find("finder-video");
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    closeFinder();
    canvas.toBlob((blob) => take(new File([blob], "camera.png", { type: "image/png" })), "image/png");
  });

  // ---------------------------------------------------------------- what others say

  function speak(state) {
    const box = boxes.find((other) => other.id === state.selected);
    find("spoken").textContent = box
      ? fill(words.spoken, { rank: box.rank, label: box.label, probability: percent(box.probability), detector: box.detector.toFixed(2) })
      : "";
    if (box) reveal(box);
  }

  function receive(value) {
    if (!value || !value.image) return;
    const ours = localUrl && !value.display && value.image.path === localPath;
    if (!ours) show((value.display || value.image).url);
    if (value.boxes) room.set({ boxes: value.boxes });
  }

  room.on(["boxes"], (state) => { boxes = state.boxes || []; draw(); });
  room.on(["hovered", "selected"], draw);
  room.on(["selected"], speak);
  room.on(["visit"], (state) => { const box = boxes.find((other) => other.id === state.selected); if (box) visit(box); });
  room.on(["busy"], (state) => root.toggleAttribute("data-busy", Boolean(state.busy)));
  room.on(["picture_error"], (state) => notice(state.picture_error));
  watch("value", () => receive(props.value));
  new ResizeObserver(() => { if (size) (view.fitted ? fit : place)(); }).observe(stage);
  receive(props.value);
}
