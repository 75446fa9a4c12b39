// Mouse, pen and fingers on the stage: wheel and pinch zoom, drag pans, hover and click tell boxes.
//
// In: hit(x, y, slack) names the box at a point; out: hover(id), select(id, byTouch). Where boxes can
// be changed, `editing` may turn a drag into a change instead.
function connectPointing({ stage, view, hit, hover, select, settled, editing = null }) {
  const DRAG_FROM_PX = 4;
  const SLACK_PX = 5;
  const TOUCH_SLACK_PX = 14;
  const pointers = new Map();
  let moved = 0;
  let pinch = null;
  let gesture = null;

  function local(event) {
    const origin = stage.getBoundingClientRect();
    return [event.clientX - origin.x, event.clientY - origin.y];
  }

  function boxAt(event) {
    const chip = event.target.closest(".label");
    const slack = event.pointerType === "touch" ? TOUCH_SLACK_PX : SLACK_PX;
    return chip ? Number(chip.dataset.id) : hit(...local(event), slack);
  }

  function drag(step, event) {
    moved += Math.hypot(...step);
    if (moved < (gesture ? gesture.least : DRAG_FROM_PX) || (view.fitted && !gesture)) return;
    if (!stage.hasAttribute("data-dragging")) {
      stage.setPointerCapture(event.pointerId);
      stage.toggleAttribute("data-dragging", true);
      if (gesture) gesture.begin();
    }
    if (gesture) gesture.move(local(event));
    else view.pan(...step);
  }

  // A second finger means the view, whatever the first one began.
  function drop() {
    if (gesture) gesture.cancel();
    gesture = null;
  }

  stage.addEventListener("pointerdown", (event) => {
    if (!view.size || (event.button > 0 && !editing) || event.target.closest("button")) return;
    pointers.set(event.pointerId, local(event));
    moved = pointers.size > 1 ? Infinity : 0;
    pinch = pointers.size === 2 ? view.pinch(null, ...pointers.values()) : null;
    drop();
    if (editing && pointers.size === 1 && !event.target.closest(".label")) gesture = editing.grab(event, local(event));
  });

  stage.addEventListener("pointermove", (event) => {
    if (!view.size) return;
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType === "touch") return;
      const id = boxAt(event);
      stage.toggleAttribute("data-over", id !== null);
      hover(id);
      if (editing) editing.hover(event, local(event));
      return;
    }
    const at = local(event);
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, at);
    if (pointers.size === 1) drag([at[0] - before[0], at[1] - before[1]], event);
    else if (pointers.size === 2) pinch = view.pinch(pinch, ...pointers.values());
  });

  function release(event) {
    if (!pointers.delete(event.pointerId)) return;
    pinch = null;
    const dragged = stage.hasAttribute("data-dragging");
    stage.removeAttribute("data-dragging");
    if (gesture && dragged && event.type === "pointerup") { gesture.end(local(event)); gesture = null; }
    else drop();
    if (event.type === "pointerup" && !dragged && moved < DRAG_FROM_PX && event.button === 0) select(boxAt(event), event.pointerType === "touch");
    settled();
  }
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", (event) => {
    release(event);
    stage.removeAttribute("data-over");
    if (editing) editing.leave();
    hover(null);
  });

  // Who draws boxes one after the other clicks fast: there a double click changes nothing.
  if (!editing) stage.addEventListener("dblclick", (event) => { if (!event.target.closest("button")) view.fit(); });
  stage.addEventListener("wheel", (event) => {
    if (view.size) view.wheel(event, local(event));
  }, { passive: false });
}
