// Small plots as SVG and rows: numbers in, nodes out. No axis where the bars say it themselves.

function createPlots({ make, svg, fill, words }) {
  const figure = (title, body, wide) => make("figure", { class: "plot", "data-wide": wide }, [make("figcaption", { text: title }), body]);
  const nothing = () => make("p", { class: "nothing", text: words.none });

  // bars: [{name, value}], every bar named below where there is room.
  function bars(title, entries, wide) {
    const most = Math.max(0, ...entries.map(({ value }) => value));
    if (most === 0) return figure(title, nothing(), wide);
    const [width, height, foot] = [wide ? 480 : 320, 120, 18];
    const step = width / entries.length;
    const every = Math.ceil(entries.length / (wide ? 16 : 11));
    const groups = entries.map(({ name, value }, i) => {
      const tall = value === 0 ? 0 : Math.max(1.5, (value / most) * (height - 14));
      const tip = svg("title", {}, [fill(words.bar, { name, value: value.toLocaleString("en") })]);
      const bar = svg("rect", { class: "bar", x: i * step + step * 0.1, y: height - tall, width: step * 0.8, height: tall, rx: 1.5 });
      const label = i % every === 0 ? [svg("text", { x: i * step + step / 2, y: height + 14, "text-anchor": "middle" }, [String(name)])] : [];
      const top = value === most ? [svg("text", { x: i * step + step / 2, y: height - tall - 4, "text-anchor": "middle" }, [value.toLocaleString("en")])] : [];
      return svg("g", {}, [tip, svg("rect", { class: "catch", x: i * step, y: 0, width: step, height }), bar, ...label, ...top]);
    });
    const axis = svg("line", { class: "axis", x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5 });
    return figure(title, svg("svg", { viewBox: `0 0 ${width} ${height + foot}`, role: "img", "aria-label": spoken(title, entries) }, [...groups, axis]), wide);
  }

  const spoken = (title, entries) => `${title}. ${entries.filter(({ value }) => value).map(({ name, value }) => fill(words.bar, { name, value })).join(", ")}`;

  // rows of numbers from 0 to 1, as a map with the shape of a picture.
  function heat(title, map, aspect, wide) {
    const most = Math.max(0, ...map.flat());
    if (most === 0) return figure(title, nothing(), wide);
    const rows = map.length;
    const columns = map[0].length;
    const [width, height] = [columns, columns / aspect];
    const tall = height / rows;
    const cells = map.flatMap((row, y) => row.map((share, x) => svg("rect", {
      class: "heat", x, y: y * tall, width: 1.02, height: tall * 1.02, "fill-opacity": (share / most).toFixed(3),
    })));
    return figure(title, svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, preserveAspectRatio: "xMidYMid meet" }, [
      svg("rect", { class: "ground", x: 0, y: 0, width, height }), ...cells,
    ]), wide);
  }

  // named amounts, the largest first; color paints a swatch before the name.
  function rows(title, entries, wide, colorOf) {
    const sorted = [...entries].sort((a, b) => b.value - a.value);
    if (sorted.length === 0) return figure(title, nothing(), wide);
    const MOST = 9;
    const shown = sorted.slice(0, sorted.length > MOST ? MOST - 1 : MOST);
    const rest = sorted.slice(shown.length);
    if (rest.length) shown.push({ name: fill(words.rest, { count: rest.length }), value: rest.reduce((sum, { value }) => sum + value, 0), others: true });
    const most = Math.max(...shown.map(({ value }) => value));
    return figure(title, make("div", { class: "rows" }, shown.flatMap(({ name, value, others }) => [
      make("span", { class: "row-name", title: name }, [colorOf && !others ? make("i", { class: "swatch", style: `background: ${colorOf(name)}` }) : null, make("span", { text: name })]),
      make("span", { class: "meter" }, [make("i", { style: `width: ${(100 * value) / most}%` })]),
      make("span", { class: "value", text: value.toLocaleString("en") }),
    ])), wide);
  }

  return { bars, heat, rows };
}
