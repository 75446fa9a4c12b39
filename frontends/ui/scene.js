// A small picture with its boxes, as previews and galleries show it. Part of window.spotter.
window.spotter.scene = (() => {
  const { element: make, svg, mark } = window.spotter;
  const SHOWN_CAPTIONS = 8;

  // A line of its own colour on a dark one; both keep their width at any size of the picture.
  function paint({ url, width, height, boxes, distractors = [] }) {
    const quiet = distractors.flatMap(({ x, y, w, h }) => ["halo", "line"].map((part) => svg("rect", { class: `${part} quiet`, x, y, width: w, height: h })));
    const frames = boxes.flatMap((box) => {
      const place = { x: box.x, y: box.y, width: box.w, height: box.h, style: `--box: var(--over-${box.color})` };
      return [svg("rect", { class: "halo", ...place }), svg("rect", { class: "line", ...place })];
    });
    return make("span", { class: "scene", style: `aspect-ratio: ${width} / ${height}` }, [
      make("img", { src: url, alt: "", width, height, draggable: "false", decoding: "async" }),
      svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, [...quiet, ...frames]),
    ]);
  }

  // Each caption once, with the mark of its colour.
  function captions({ boxes }, words) {
    const kinds = new Map();
    for (const box of boxes) if (!kinds.has(box.caption)) kinds.set(box.caption, box);
    if (kinds.size === 0) return [make("span", { class: "empty", text: words.empty })];
    const nodes = [...kinds.values()].slice(0, SHOWN_CAPTIONS).map((box) => {
      // The mark never parts from the first word.
      const [first, ...rest] = box.caption.split(" ");
      const start = make("span", { class: "start" }, [mark(box.mark), first]);
      return make("span", { class: "said", style: `--tone: var(--caption-${box.color})` }, [start, ["", ...rest].join(" ")]);
    });
    const more = kinds.size - SHOWN_CAPTIONS;
    if (more > 0) nodes.push(make("span", { class: "said", text: window.spotter.fill(words.more, { count: more }) }));
    return nodes;
  }

  // "2 × red drone, white airship": for screen readers and tooltips.
  function spoken({ boxes, distractors = [] }, words) {
    const counts = new Map();
    for (const { caption } of boxes) counts.set(caption, (counts.get(caption) || 0) + 1);
    const told = [...counts].map(([caption, count]) => (count > 1 ? `${count} × ${caption}` : caption));
    const quiet = distractors.length > 1 ? `${distractors.length} × ${words.distractor}` : words.distractor;
    return [told.join(", ") || words.empty, ...(distractors.length ? [quiet] : [])].join(", ");
  }

  return { paint, captions, spoken };
})();
