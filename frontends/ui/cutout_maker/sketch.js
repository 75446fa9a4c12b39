// What a person draws over the photograph: a box, or strokes on the object and beside it.
//
// In: pointers on the stage; out: the sketch {box, strokes} in pixels of the picture, changed()
// after every move and settled() when a box or a stroke is finished.
function createSketch({ stage, view, changed, settled }) {
  const GRIP_PX = 9;
  const TOUCH_GRIP_PX = 22;
  const BOX_MIN_PX = 6;
  const BRUSH_PX = 7;
  const TOUCH_BRUSH_PX = 11;
  const STEP_PX = 5;
  const CURSORS = { nw: "nwse-resize", se: "nwse-resize", ne: "nesw-resize", sw: "nesw-resize", n: "ns-resize", s: "ns-resize", w: "ew-resize", e: "ew-resize", move: "move" };

  const sketch = { mode: "box", box: null, strokes: [], enabled: false, undo, clear, key };
  const pointers = new Map();
  let work = null;
  let pinch = null;

  const local = (event) => {
    const origin = stage.getBoundingClientRect();
    return [event.clientX - origin.left, event.clientY - origin.top];
  };
  const onPicture = ([x, y]) => [
    Math.min(view.size[0], Math.max(0, (x - view.x) / view.scale)),
    Math.min(view.size[1], Math.max(0, (y - view.y) / view.scale)),
  ];
  const frame = () => {
    const [x1, y1, x2, y2] = sketch.box;
    return view.onScreen({ x: x1, y: y1, w: x2 - x1, h: y2 - y1 });
  };

  // The side or corner of the box at a point, "move" inside of it, or null.
  function gripAt([x, y], slack) {
    if (!sketch.box || sketch.mode !== "box") return null;
    const [left, top, w, h] = frame();
    if (x < left - slack || y < top - slack || x > left + w + slack || y > top + h + slack) return null;
    const inside = Math.min(slack, w / 4, h / 4);
    const vertical = y < top + inside ? "n" : y > top + h - inside ? "s" : "";
    const horizontal = x < left + inside ? "w" : x > left + w - inside ? "e" : "";
    return vertical + horizontal || "move";
  }

  function begin(at, touch) {
    const point = onPicture(at);
    if (sketch.mode !== "box") {
      const radius = (touch ? TOUCH_BRUSH_PX : BRUSH_PX) / view.scale;
      const stroke = { keep: sketch.mode === "keep", radius: Math.min(1000, radius), points: [point] };
      sketch.strokes.push(stroke);
      work = { stroke, last: at };
    } else {
      const grip = gripAt(at, touch ? TOUCH_GRIP_PX : GRIP_PX);
      work = { grip, from: point, before: sketch.box };
      if (!grip) sketch.box = [...point, ...point];
    }
    changed();
  }

  function go(at) {
    const point = onPicture(at);
    if (work.stroke) {
      if (Math.hypot(at[0] - work.last[0], at[1] - work.last[1]) < 2) return;
      work.stroke.points.push(point);
      work.last = at;
    } else if (!work.grip) {
      sketch.box = ordered([...work.from, ...point]);
    } else {
      sketch.box = pulled(work.before, work.grip, point[0] - work.from[0], point[1] - work.from[1]);
    }
    changed();
  }

  const ordered = ([a, b, c, d]) => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];

  function pulled([x1, y1, x2, y2], grip, dx, dy) {
    if (grip === "move") {
      const mx = Math.max(-x1, Math.min(view.size[0] - x2, dx));
      const my = Math.max(-y1, Math.min(view.size[1] - y2, dy));
      return [x1 + mx, y1 + my, x2 + mx, y2 + my];
    }
    return ordered([
      grip.includes("w") ? x1 + dx : x1, grip.includes("n") ? y1 + dy : y1,
      grip.includes("e") ? x2 + dx : x2, grip.includes("s") ? y2 + dy : y2,
    ]);
  }

  function finish(kept) {
    const { stroke, before } = work;
    work = null;
    if (stroke) {
      if (!kept) sketch.strokes.splice(sketch.strokes.indexOf(stroke), 1);
    } else {
      const [, , w, h] = frame();
      if (!kept || Math.min(w, h) < BOX_MIN_PX) { sketch.box = before; kept = false; }
      else if (before && sketch.box.every((value, i) => value === before[i])) kept = false;
    }
    changed();
    if (kept) settled();
  }

  stage.addEventListener("pointerdown", (event) => {
    if (!sketch.enabled || !view.size || event.target.closest("button")) return;
    if (event.pointerType === "mouse" && event.button > 1) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, local(event));
    pinch = pointers.size === 2 ? view.pinch(null, ...pointers.values()) : null;
    // A second finger means zooming: what the first began was not meant.
    if (pointers.size > 1) { if (work) finish(false); return; }
    if (event.button === 0) begin(local(event), event.pointerType === "touch");
  });

  stage.addEventListener("pointermove", (event) => {
    if (!sketch.enabled || !view.size) return;
    const at = local(event);
    if (!pointers.has(event.pointerId)) {
      const grip = gripAt(at, GRIP_PX);
      stage.toggleAttribute("data-grip", Boolean(grip));
      if (grip) stage.style.setProperty("--grip", CURSORS[grip]);
      return;
    }
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, at);
    if (pointers.size === 2) pinch = view.pinch(pinch, ...pointers.values());
    else if (work) go(at);
    else if (event.buttons === 4) view.pan(at[0] - before[0], at[1] - before[1]);
  });

  function release(event) {
    if (!pointers.delete(event.pointerId)) return;
    pinch = null;
    if (work && pointers.size === 0) finish(event.type === "pointerup");
  }
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);

  stage.addEventListener("wheel", (event) => {
    if (sketch.enabled && view.size) view.wheel(event, local(event));
  }, { passive: false });

  function undo() {
    if (sketch.strokes.length) sketch.strokes.pop();
    else sketch.box = null;
    changed();
    settled();
  }

  function clear() {
    sketch.strokes = [];
    sketch.box = null;
    changed();
  }

  // Returns whether the key was one of ours.
  function key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [w, h] = view.size;
    if (event.key === "Enter") {
      sketch.box = sketch.box || [w * 0.25, h * 0.25, w * 0.75, h * 0.75];
    } else if (arrows[event.key] && sketch.box) {
      const [dx, dy] = arrows[event.key].map((part) => (part * STEP_PX) / view.scale);
      sketch.box = pulled(sketch.box, event.shiftKey ? "se" : "move", dx, dy)
        .map((value, i) => Math.min(view.size[i % 2], Math.max(0, value)));
    } else {
      return false;
    }
    changed();
    settled();
    return true;
  }

  return sketch;
}
