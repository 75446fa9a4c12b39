// Shared state of the page: one room per tab, in which components tell each other what is
// hovered, selected or shown. Components never call each other. Nothing here touches the server.
window.spotter = window.spotter || (() => {
  const rooms = new Map();

  function room(name) {
    if (!rooms.has(name)) {
      const state = {};
      const listeners = [];
      rooms.set(name, {
        state,
        set(patch) {
          const changed = Object.keys(patch).filter((key) => state[key] !== patch[key]);
          if (changed.length === 0) return;
          Object.assign(state, patch);
          for (const [keys, run] of listeners) {
            if (keys.some((key) => changed.includes(key))) run(state, changed);
          }
        },
        on(keys, run) {
          listeners.push([keys, run]);
        },
      });
    }
    return rooms.get(name);
  }

  // element("button", {class: "x", text: "words"}, [children]): text only, never markup.
  function element(tag, attributes = {}, children = []) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "style") node.style.cssText = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const SVG = "http://www.w3.org/2000/svg";
  function svg(tag, attributes = {}, children = []) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  // The second mark of a caption's colour; outlines come from palette.py through the page.
  function mark(index) {
    const points = (window.spotterMarks || [])[index] || [];
    const path = points.map(([x, y]) => `${x},${y}`).join(" ");
    return svg("svg", { viewBox: "0 0 1 1", class: "mark", "aria-hidden": "true" }, [
      svg("polygon", { points: path }),
    ]);
  }

  const percent = (share) => `${share >= 0.995 ? 100 : share < 0.005 ? 0 : Math.round(share * 100)} %`;

  // With a true minus sign; what rounds to nothing has no sign.
  const signed = (value) => value.toFixed(1).replace(/^-0\.0$/, "0.0").replace("-", "\u2212");

  function fill(template, values) {
    return template.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
  }

  // "12 s", "4 min": as exact as an estimate is.
  function duration(seconds, words) {
    if (seconds < 90) return fill(words.seconds, { value: Math.max(1, Math.round(seconds)) });
    return fill(words.minutes, { value: Math.round(seconds / 60) });
  }

  function save(name, blob) {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  return { room, element, svg, mark, percent, signed, fill, duration, save };
})();

// The tab follows the address, so that each can be linked to and the back button works.
(() => {
  const page = window.spotter.room("page");
  const TABS = ["locate", "synthesize", "annotate"];
  function follow() {
    const wished = location.hash.slice(1);
    const tab = TABS.includes(wished) ? wished : TABS[0];
    document.documentElement.dataset.tab = tab;
    for (const link of document.querySelectorAll(".spotter-tabs a")) {
      if (link.hash === `#${tab}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    page.set({ tab });
  }
  window.addEventListener("hashchange", () => { follow(); window.scrollTo(0, 0); });
  // The links come with the page's first component.
  const seen = new MutationObserver(() => {
    if (document.querySelector(".spotter-tabs a")) { seen.disconnect(); follow(); }
  });
  seen.observe(document.documentElement, { childList: true, subtree: true });
  follow();
})();
