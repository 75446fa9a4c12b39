// Three numbers for what is learnt from and what is measured on. Part of window.spotter.
//
// `place` gets the fields and is called `words.shares`; `changed` hears of every change. What comes
// back has `values`, and `trains`: whether anything is left to learn from.
window.spotter.shares = ({ place, values, splits, words, changed = () => {} }) => {
  const { element: make, fill } = window.spotter;
  const inputs = values.map((value, i) => make("input", {
    type: "number", inputmode: "decimal", min: 0, step: "any", value,
    "aria-label": fill(words.share, { split: splits[i] }), onchange: settle,
  }));
  const read = () => inputs.map((input) => Number(input.value));
  const trains = () => read()[0] > 0;

  // What is no number from 0 on counts as none.
  function settle() {
    for (const input of inputs) input.value = Math.max(Number(input.value) || 0, 0);
    changed();
  }

  place.append(...inputs.flatMap((input, i) => (i ? [":", input] : [input])));
  place.setAttribute("aria-label", words.shares);
  return { values: read, trains };
};
