// Where a box can be taken hold of, and what becomes of it: pure arithmetic.
//
// Frames are [x, y, width, height] in screen pixels, boxes {x, y, w, h} in pixels of the picture,
// measured at edges. A grip names the edges that move: {left, top, right, bottom}.
const GRIP_ROOM_PX = 30;
const GRIP_GAP_PX = 4;
const GRIP_MIDDLE_FROM_PX = 56;
const BOX_LEAST_PX = 3;

// The frame that carries the grips: around a small object it stands back, so that all of them can
// be told apart and none hides the object.
function gripFrame([x, y, w, h]) {
  const dx = Math.max(GRIP_GAP_PX, (GRIP_ROOM_PX - w) / 2);
  const dy = Math.max(GRIP_GAP_PX, (GRIP_ROOM_PX - h) / 2);
  return [x - dx, y - dy, w + 2 * dx, h + 2 * dy];
}

// All grips of a frame with their places on the screen.
function gripsOf(frame) {
  const [x, y, w, h] = gripFrame(frame);
  const corners = [
    { left: true, top: true, at: [x, y] }, { right: true, top: true, at: [x + w, y] },
    { left: true, bottom: true, at: [x, y + h] }, { right: true, bottom: true, at: [x + w, y + h] },
  ];
  const across = w >= GRIP_MIDDLE_FROM_PX ? [{ top: true, at: [x + w / 2, y] }, { bottom: true, at: [x + w / 2, y + h] }] : [];
  const along = h >= GRIP_MIDDLE_FROM_PX ? [{ left: true, at: [x, y + h / 2] }, { right: true, at: [x + w, y + h / 2] }] : [];
  return [...corners, ...across, ...along];
}

// The grip at a point: a corner within `slack`, else an edge within half of it, else none.
function gripAt(frame, [px, py], slack) {
  const far = (grip) => Math.hypot(grip.at[0] - px, grip.at[1] - py);
  const near = gripsOf(frame).filter((grip) => far(grip) <= slack);
  if (near.length) return near.reduce((best, grip) => (far(grip) < far(best) ? grip : best));
  const [x, y, w, h] = gripFrame(frame);
  const thin = slack / 2;
  const beside = px >= x - thin && px <= x + w + thin && py >= y - thin && py <= y + h + thin;
  if (!beside) return null;
  const grip = {
    left: Math.abs(px - x) <= thin, right: Math.abs(px - x - w) <= thin,
    top: Math.abs(py - y) <= thin, bottom: Math.abs(py - y - h) <= thin,
  };
  return grip.left || grip.right || grip.top || grip.bottom ? grip : null;
}

const isInFrame = ([x, y, w, h], [px, py]) => px >= x && py >= y && px <= x + w && py <= y + h;

function gripCursor({ left, top, right, bottom }) {
  if ((left && top) || (right && bottom)) return "nwse-resize";
  if ((right && top) || (left && bottom)) return "nesw-resize";
  return left || right ? "ew-resize" : "ns-resize";
}

const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

// The box with some edges moved: they come to lie between pixels, inside the picture.
function stretchBox(box, grip, [dx, dy], [width, height]) {
  let [x1, y1, x2, y2] = [box.x, box.y, box.x + box.w, box.y + box.h];
  const [leastW, leastH] = [Math.min(BOX_LEAST_PX, box.w), Math.min(BOX_LEAST_PX, box.h)];
  if (grip.left) x1 = between(Math.round(x1 + dx), 0, x2 - leastW);
  if (grip.right) x2 = between(Math.round(x2 + dx), x1 + leastW, width);
  if (grip.top) y1 = between(Math.round(y1 + dy), 0, y2 - leastH);
  if (grip.bottom) y2 = between(Math.round(y2 + dy), y1 + leastH, height);
  return { x: x1, y: y1, w: x2 - x1, h: y2 - y1 };
}

// The box moved by whole pixels, inside the picture.
function shiftBox(box, [dx, dy], [width, height]) {
  return {
    x: between(box.x + Math.round(dx), 0, width - box.w), y: between(box.y + Math.round(dy), 0, height - box.h),
    w: box.w, h: box.h,
  };
}

// The box between two points of the picture, its edges between pixels, at least 3 px long.
function spanBox([ax, ay], [bx, by], [width, height]) {
  const side = (a, b, limit) => {
    const [low, high] = [between(Math.round(Math.min(a, b)), 0, limit), between(Math.round(Math.max(a, b)), 0, limit)];
    if (high - low >= BOX_LEAST_PX) return [low, high - low];
    const start = between(a <= b ? low : high - BOX_LEAST_PX, 0, limit - BOX_LEAST_PX);
    return [start, Math.min(BOX_LEAST_PX, limit)];
  };
  const [x, w] = side(ax, bx, width);
  const [y, h] = side(ay, by, height);
  return { x, y, w, h };
}
