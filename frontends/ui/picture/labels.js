// Where labels go: pure arithmetic on frames [x, y, width, height] in screen pixels.

const overlapOf = (a, b) =>
  Math.max(0, Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])) *
  Math.max(0, Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]));

const pressInto = (value, length, limit, margin) =>
  Math.min(Math.max(value, margin), Math.max(margin, limit - length - margin));

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
      const cx = pressInto(sx, lw, width, 4);
      const cy = pressInto(sy, lh, height, 4);
      const spot = [cx, cy, lw, lh];
      const area = lw * lh;
      let cost = i * 0.01 + (gap > 5 ? 0.05 + gap / 400 : 0) + (Math.abs(cx - sx) + Math.abs(cy - sy)) / 200;
      for (const other of taken) cost += (4 * overlapOf(spot, other)) / area;
      for (const [otherId, frame, heavy] of frames) {
        const least = Math.min(area, Math.max(1, frame[2] * frame[3]));
        cost += ((otherId === id || heavy ? 3 : 1) * overlapOf(spot, frame)) / least;
      }
      if (!best || cost < best.cost) best = { x: cx, y: cy, cost, far: gap > 5 };
    });
    if (best.cost < 0.1) break;
  }
  return must || best.cost < 0.3 ? best : null;
}

// Beside the object, or in a corner; covers neither the object nor its label where that is possible.
function placeLens([x, y, w, h], side, { taken, width, height }) {
  const spots = [
    [x + w + 24, y + h / 2 - side / 2], [x - side - 24, y + h / 2 - side / 2],
    [x + w / 2 - side / 2, y + h + 24], [x + w / 2 - side / 2, y - side - 24],
    [0, 0], [width, 0], [0, height], [width, height],
  ].map(([sx, sy]) => [pressInto(sx, side, width, 8), pressInto(sy, side, height, 8), side, side]);
  const cost = (spot) => overlapOf(spot, taken) + 3 * overlapOf(spot, [x, y, w, h]);
  return spots.reduce((best, spot) => (cost(spot) < cost(best) ? spot : best));
}
