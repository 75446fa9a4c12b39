// One control for each kind of setting. Each returns {nodes, show(value)} and calls set(value).

const settingScale = (knob) => {
  const { low, high, logarithmic } = knob;
  const inside = (value) => Math.min(Math.max(value, low), high);
  if (!logarithmic) return { to: (value) => (inside(value) - low) / (high - low), from: (at) => low + at * (high - low) };
  return { to: (value) => Math.log(inside(value) / low) / Math.log(high / low), from: (at) => low * (high / low) ** at };
};

// Two digits where the range is large, steps of the setting where it is small.
function roundSetting(value, knob) {
  if (knob.logarithmic) { const digits = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1); return Math.round(value / digits) * digits; }
  const steps = Math.round(value / knob.step);
  return Number((steps * knob.step).toFixed(6));
}

function createRail(make, knob, count, label, move) {
  const scale = settingScale(knob);
  const inputs = Array.from({ length: count }, (_, i) => make("input", {
    type: "range", min: 0, max: 1000, step: 1, "aria-label": label(i),
    oninput: (event) => { move(i, roundSetting(scale.from(event.target.value / 1000), knob)); },
  }));
  const node = make("div", { class: "rail" }, inputs);
  // Arrow keys go by one step of the setting, not of the rail.
  inputs.forEach((input, i) => input.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const now = Number(input.dataset.value);
    const next = knob.logarithmic ? roundSetting(now * (by > 0 ? 1.12 : 0.9), knob) : now + by * knob.step;
    move(i, roundSetting(Math.min(Math.max(next, knob.low), knob.high), knob));
  }));
  return {
    node,
    show(values) {
      const places = values.map(scale.to);
      inputs.forEach((input, i) => {
        input.value = Math.round(places[i] * 1000);
        input.dataset.value = values[i];
        input.setAttribute("aria-valuetext", values[i]);
      });
      // Two thumbs at one place: the one that can still move lies on top.
      if (count > 1) inputs[0].style.zIndex = places[0] > 0.5 ? 1 : 0;
      node.style.setProperty("--from", `${count > 1 ? places[0] * 100 : 0}%`);
      node.style.setProperty("--to", `${places[count - 1] * 100}%`);
    },
  };
}

function createNumber(make, { label, step, set }) {
  const input = make("input", {
    type: "number", step: "any", inputmode: "decimal", "aria-label": label,
    onchange: () => { const value = Number(input.value); if (input.value !== "" && Number.isFinite(value)) set(value); },
  });
  return input;
}

const settingControls = {
  number(knob, words, { make, set }) {
    const percent = knob.kind === "share";
    const rail = createRail(make, knob, 1, () => knob.title, (i, value) => set(value));
    const input = createNumber(make, { label: knob.title, set: (value) => set(percent ? value / 100 : knob.kind === "whole" ? Math.round(value) : value) });
    const unit = percent ? "%" : knob.unit;
    return {
      figure: [input, make("span", { text: unit })],
      control: rail.node,
      show(value) { rail.show([value]); input.value = percent ? Number((value * 100).toFixed(2)) : value; },
    };
  },

  span(knob, words, { make, set, fill }) {
    let now = [knob.low, knob.high];
    const names = [fill(words.from, { name: knob.title }), fill(words.to, { name: knob.title })];
    const percent = knob.high <= 1.5 && !knob.unit;
    // A thumb stops at the other one; a typed number stays, and takes the other end along.
    const slide = (i, value) => set(i === 0 ? [Math.min(value, now[1]), now[1]] : [now[0], Math.max(value, now[0])]);
    const write = (i, value) => set(i === 0 ? [value, Math.max(value, now[1])] : [Math.min(value, now[0]), value]);
    const rail = createRail(make, knob, 2, (i) => names[i], slide);
    const inputs = names.map((label, i) => createNumber(make, { label, set: (value) => write(i, percent ? value / 100 : value) }));
    return {
      figure: [inputs[0], make("span", { text: "–" }), inputs[1], make("span", { text: percent ? "%" : knob.unit })],
      control: rail.node,
      show(value) {
        now = [...value];
        rail.show(value);
        inputs.forEach((input, i) => { input.value = percent ? Number((value[i] * 100).toFixed(2)) : value[i]; });
      },
    };
  },

  size(knob, words, { make, set }) {
    let now = [0, 0];
    const inputs = [0, 1].map((i) => createNumber(make, {
      label: `${knob.title} ${i + 1}`, set: (value) => { const next = [...now]; next[i] = Math.round(value); set(next); },
    }));
    return {
      figure: [inputs[0], make("span", { text: "×" }), inputs[1], make("span", { text: knob.unit })],
      show(value) { now = [...value]; inputs.forEach((input, i) => { input.value = value[i]; }); },
    };
  },

  switch(knob, words, { make, set }) {
    const input = make("input", { type: "checkbox", role: "switch", class: "switch", "aria-label": knob.title, onchange: () => set(input.checked) });
    return { figure: [input], show(value) { input.checked = value; } };
  },

  choice(knob, words, { make, set }) {
    const input = make("select", { "aria-label": knob.title, onchange: () => set(input.value) }, knob.choices.map((name) => make("option", { value: name, text: name })));
    return { figure: [input], show(value) { input.value = value; } };
  },

  mix(knob, words, { make, set, percent }) {
    let now = {};
    const unit = { ...knob, low: 0, high: 1, step: 0.05, logarithmic: false };
    const rows = knob.choices.map((name) => {
      const rail = createRail(make, unit, 1, () => `${knob.title}: ${name}`, (i, value) => {
        const next = { ...now, [name]: value };
        if (Object.values(next).some((weight) => weight > 0)) set(next);
        else rail.show([now[name] || 0]);
      });
      const share = make("span", { class: "share" });
      return { name, rail, share, nodes: [make("span", { text: name }), rail.node, share] };
    });
    return {
      control: make("div", { class: "mix" }, rows.flatMap((row) => row.nodes)),
      show(value) {
        now = { ...value };
        const sum = Object.values(now).reduce((total, weight) => total + weight, 0) || 1;
        for (const row of rows) {
          row.rail.show([now[row.name] || 0]);
          row.share.textContent = percent((now[row.name] || 0) / sum);
        }
      },
    };
  },

  list(knob, words, { make, set, wrong }) {
    const input = make("input", { type: "text", "aria-label": knob.title, placeholder: words.none, onchange: () => {
      const values = input.value.split(",").map((part) => part.trim()).filter(Boolean).map(Number);
      if (values.every(Number.isFinite)) set(values);
      else wrong(words.list_wrong);
    } });
    return { control: input, show(value) { input.value = value.join(", "); } };
  },

  json(knob, words, { make, set, wrong }) {
    const input = make("textarea", { "aria-label": knob.title, spellcheck: false, onchange: () => {
      try { set(JSON.parse(input.value)); } catch (error) { wrong(words.json_wrong); }
    } });
    return { control: input, show(value) { input.value = JSON.stringify(value); } };
  },
};
settingControls.share = settingControls.number;
settingControls.whole = settingControls.number;
