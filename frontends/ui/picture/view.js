// Which part of the picture the stage shows. Coordinates: pixels of the picture, measured at edges,
// to pixels of the stage. Calls changed() after every move.
function createView({ stage, changed }) {
  const MAX_SCREEN_PER_PIXEL = 32;
  const FIT_MAX = 8;
  const VISIT_RATIO = 0.35;

  const view = {
    size: null, scale: 1, x: 0, y: 0, fitted: true, maxScale: MAX_SCREEN_PER_PIXEL,
    stageWh, onScreen, fit, refresh, pan, pinch, wheel, zoomAt, zoomCentre, visit, reveal,
  };

  function stageWh() {
    return [stage.clientWidth, stage.clientHeight];
  }

  // Frame [x, y, width, height] of a box in pixels of the stage.
  function onScreen(box) {
    const { scale } = view;
    return [view.x + box.x * scale, view.y + box.y * scale, box.w * scale, box.h * scale];
  }

  function fitScale() {
    const [width, height] = stageWh();
    return Math.min(width / view.size[0], height / view.size[1], FIT_MAX);
  }

  // Keeps the picture in the stage: centred where it is smaller, without gaps where larger.
  function place() {
    const wh = stageWh();
    ["x", "y"].forEach((axis, i) => {
      const free = wh[i] - view.size[i] * view.scale;
      view[axis] = free >= 0 ? free / 2 : Math.min(0, Math.max(free, view[axis]));
    });
    stage.toggleAttribute("data-zoomed", !view.fitted);
    changed();
  }

  function rescale(wanted) {
    const least = fitScale();
    view.scale = Math.min(Math.max(MAX_SCREEN_PER_PIXEL, least), Math.max(least, wanted));
    view.fitted = view.scale <= least * 1.001;
  }

  function fit() {
    if (!view.size) return;
    view.scale = fitScale();
    view.fitted = true;
    place();
  }

  // After the stage has another size.
  function refresh() {
    if (!view.size) return;
    if (view.fitted) fit();
    else place();
  }

  function pan(dx, dy) {
    view.x += dx;
    view.y += dy;
    place();
  }

  // Zooms so that what is under a point of the stage stays there.
  function zoomAt(factor, x, y) {
    if (!view.size) return;
    const before = view.scale;
    rescale(before * factor);
    view.x = x - ((x - view.x) * view.scale) / before;
    view.y = y - ((y - view.y) * view.scale) / before;
    place();
  }

  // Two fingers at points of the stage: what is between them stays there. Takes what the last call
  // gave back, null for the first.
  function pinch(last, a, b) {
    const now = { far: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
    if (last) {
      pan(now.x - last.x, now.y - last.y);
      zoomAt(now.far / last.far, now.x, now.y);
    }
    return now;
  }

  // At full view, scrolling away belongs to the page.
  function wheel(event, at) {
    if (view.fitted && event.deltaY > 0 && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoomAt(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...at);
  }

  function zoomCentre(factor) {
    zoomAt(factor, ...stageWh().map((length) => length / 2));
  }

  function centre(box) {
    const [width, height] = stageWh();
    view.x = width / 2 - (box.x + box.w / 2) * view.scale;
    view.y = height / 2 - (box.y + box.h / 2) * view.scale;
    place();
  }

  // Moves and zooms so that a box fills about a third of the stage.
  function visit(box) {
    const [width, height] = stageWh();
    rescale(Math.min(width / box.w, height / box.h) * VISIT_RATIO);
    centre(box);
  }

  // Moves, without zooming, when a box is not wholly in the stage.
  function reveal(box) {
    if (view.fitted) return;
    const [width, height] = stageWh();
    const [x, y, w, h] = onScreen(box);
    if (x < 0 || y < 0 || x + w > width || y + h > height) centre(box);
  }

  return view;
}
