// Makes a cutout: a photograph comes in, a box or strokes say what is meant, the server cuts, the
// person names it. Coordinates: pixels of the picture, measured at edges.
//
// Out: the events `cut` and `take` with a wish {image, box, strokes, turn, type, caption, name}.
// In: props.value {turn, display, result, saved}, the answer to the wish of that turn.
// The event `added` follows when the visitor's cutouts have changed.
function createCutoutMaker({ element, props, trigger, upload, watch }) {
  const { element: make, fill } = window.spotter;
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const [root, stage, image, ink] = ["maker", "stage", "image", "ink"].map(find);
  const fields = { type: find("type"), caption: find("caption"), name: find("name") };
  const REST_MS = 250;
  const PATIENCE_MS = 60000;
  const CLOSE_ENOUGH_RATIO = 0.45;

  const view = createView({ stage, changed: draw });
  const sketch = createSketch({ stage, view, changed, settled: () => ask(REST_MS) });
  let file = null;
  let localUrl = null;
  let turn = 0;
  let result = null;
  let veil = null;
  let rest = 0;
  const written = { caption: false, name: false };

  // ---------------------------------------------------------------- words

  const labels = {
    undo: "undo", clear: "clear", nothing: "nothing", add: "add", "type-label": "type",
    "caption-label": "caption", "name-label": "name",
  };
  for (const [name, word] of Object.entries(labels)) find(name).textContent = words[word];
  stage.setAttribute("aria-label", words.stage);
  find("tools").setAttribute("aria-label", words.tools);
  fields.type.placeholder = words.type_hint;
  fields.caption.placeholder = words.caption_hint;
  find("cutout").alt = words.result;
  const modes = [...element.querySelectorAll(".mode")];
  for (const button of modes) {
    button.querySelector("span").textContent = words[`mode_${button.dataset.mode}`];
    button.addEventListener("click", () => setMode(button.dataset.mode));
  }
  const types = find("types");
  types.id = `${props.room}-types`;
  fields.type.setAttribute("list", types.id);
  types.replaceChildren(...props.types.map((name) => make("option", { value: name })));

  function setMode(mode) {
    // Strokes are fine work: a small object is shown large for them, the whole picture for boxes.
    if (view.size && mode !== sketch.mode) {
      if (mode === "box") view.fit();
      else if (sketch.box && view.fitted) lookAt(sketch.box);
    }
    sketch.mode = mode;
    root.dataset.mode = mode;
    for (const button of modes) button.setAttribute("aria-checked", String(button.dataset.mode === mode));
    changed();
  }

  function lookAt([x1, y1, x2, y2]) {
    const [width, height] = view.stageWh();
    if (Math.max((x2 - x1) / width, (y2 - y1) / height) * view.scale > CLOSE_ENOUGH_RATIO) return;
    // A visit leaves much room around a box: half of it fills the stage better.
    view.visit({ x: x1 + (x2 - x1) / 4, y: y1 + (y2 - y1) / 4, w: (x2 - x1) / 2, h: (y2 - y1) / 2 });
  }

  function notice(message, isCalm = false) {
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
    find("notice").toggleAttribute("data-calm", isCalm);
  }

  // While a cutout is computed, that is said where it will be, or below the one before.
  function busy(is, say = "") {
    root.toggleAttribute("data-busy", is);
    find("nothing").textContent = say || words.nothing;
    if (say && result) find("facts").textContent = say;
  }

  function guide() {
    const alpha = result && result.method === "alpha";
    const say = alpha ? "say_alpha" : sketch.mode === "box" ? (sketch.box ? "say_box_again" : "say_box") : `say_${sketch.mode}`;
    find("say").textContent = words[say];
    find("undo").disabled = find("clear").disabled = !sketch.box && sketch.strokes.length === 0;
  }

  // ---------------------------------------------------------------- drawing

  let waiting = 0;
  function draw() {
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; paint(); });
  }

  function changed() {
    guide();
    draw();
  }

  function paint() {
    if (!view.size) return;
    image.style.width = `${view.size[0]}px`;
    image.style.height = `${view.size[1]}px`;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    const [width, height] = view.stageWh();
    const dense = window.devicePixelRatio || 1;
    ink.width = Math.round(width * dense);
    ink.height = Math.round(height * dense);
    const pen = ink.getContext("2d");
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    paintVeil(pen);
    for (const stroke of sketch.strokes) paintStroke(pen, stroke);
    if (sketch.box) paintFrame(pen);
  }

  // Darkens what is not part of the cutout.
  function paintVeil(pen) {
    if (!veil) return;
    pen.fillStyle = "rgb(12 14 18 / 0.62)";
    pen.fillRect(view.x, view.y, view.size[0] * view.scale, view.size[1] * view.scale);
    const [x1, y1, x2, y2] = result.window;
    pen.globalCompositeOperation = "destination-out";
    pen.drawImage(veil, ...view.onScreen({ x: x1, y: y1, w: x2 - x1, h: y2 - y1 }));
    pen.globalCompositeOperation = "source-over";
  }

  function paintStroke(pen, { keep, radius, points }) {
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = 2 * radius * view.scale;
    pen.strokeStyle = keep ? "rgb(60 200 110 / 0.55)" : "rgb(255 90 60 / 0.55)";
    pen.beginPath();
    points.forEach(([x, y], i) => {
      const at = [view.x + x * view.scale, view.y + y * view.scale];
      if (i === 0) pen.moveTo(...at);
      pen.lineTo(...at);
    });
    pen.stroke();
  }

  function paintFrame(pen) {
    const [x1, y1, x2, y2] = sketch.box;
    const [x, y, w, h] = view.onScreen({ x: x1, y: y1, w: x2 - x1, h: y2 - y1 });
    for (const [color, thick] of [["rgb(0 0 0 / 0.55)", 3], ["#fff", 1]]) {
      pen.strokeStyle = color;
      pen.lineWidth = thick;
      pen.strokeRect(Math.round(x) - 0.5, Math.round(y) - 0.5, Math.round(w) + 1, Math.round(h) + 1);
    }
    if (sketch.mode !== "box") return;
    for (const cx of [x, x + w]) {
      for (const cy of [y, y + h]) {
        pen.fillStyle = "#fff";
        pen.strokeStyle = "rgb(0 0 0 / 0.6)";
        pen.lineWidth = 1;
        pen.beginPath();
        pen.arc(cx, cy, 5, 0, 7);
        pen.fill();
        pen.stroke();
      }
    }
  }

  // ---------------------------------------------------------------- asking

  function wish() {
    const { box, strokes } = sketch;
    const values = Object.fromEntries(Object.entries(fields).map(([key, input]) => [key, input.value]));
    return { image: file, box, strokes, turn, ...values };
  }

  function ask(delay) {
    clearTimeout(rest);
    turn += 1;
    find("add").disabled = true;
    find("done").textContent = "";
    if (!sketch.box && !sketch.strokes.some((stroke) => stroke.keep)) { forget(); return; }
    busy(true, words.computing);
    rest = setTimeout(send, delay);
  }

  // One wish at a time: what is drawn meanwhile is asked when the answer is there.
  let asked = 0;
  function send() {
    if (!file) return; // still on its way; the upload asks again
    if (Date.now() - asked < PATIENCE_MS) return;
    asked = Date.now();
    trigger("cut", { wish: wish() });
  }

  // No cutout any more.
  function forget() {
    result = veil = null;
    busy(false);
    notice("");
    find("cutout").hidden = true;
    find("nothing").hidden = false;
    find("facts").textContent = "";
    find("add").disabled = true;
    changed();
  }

  function suggest() {
    if (!result) return;
    const type = fields.type.value.trim();
    if (!written.caption) fields.caption.value = [result.colors, type || words.typeless].filter(Boolean).join(" ");
    if (!written.name) fields.name.value = (type ? fields.caption.value : result.name || fields.caption.value).replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60);
  }

  for (const key of ["caption", "name"]) {
    fields[key].addEventListener("input", () => { written[key] = fields[key].value.trim() !== ""; });
  }
  fields.type.addEventListener("input", suggest);

  find("add").addEventListener("click", () => {
    find("add").disabled = true;
    busy(true);
    trigger("take", { wish: wish() });
  });
  find("undo").addEventListener("click", sketch.undo);
  find("clear").addEventListener("click", () => { sketch.clear(); setMode("box"); turn += 1; forget(); });

  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!view.size) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); find("file").click(); }
      return;
    }
    if (event.key === "Escape") view.fit();
    else if (!sketch.key(event)) return;
    event.preventDefault();
  });

  // ---------------------------------------------------------------- answers

  function receive(value) {
    if (!value) return;
    if (value.display && value.turn >= 0) show(value.display.url);
    if (value.result) asked = 0;
    if (value.turn !== turn) {
      if (value.result && (sketch.box || sketch.strokes.length)) send();
      return;
    }
    if (value.saved) { welcome(value.saved); return; }
    if (value.result) present(value.result);
  }

  function present(answer) {
    busy(false);
    if (!answer.preview) { forget(); notice(answer.message); return; }
    notice("");
    result = answer;
    const shown = find("cutout");
    shown.src = answer.preview;
    shown.hidden = false;
    find("nothing").hidden = true;
    const [x1, y1, x2, y2] = answer.window;
    find("facts").textContent = fill(answer.parts > 1 ? words.parts : words.facts, { width: x2 - x1, height: y2 - y1, parts: answer.parts });
    if (answer.lacks && answer.parts <= 1) find("facts").append(`. ${fill(words[`lacks_${answer.lacks}`], { keep: words.mode_keep })}`);
    find("add").disabled = false;
    suggest();
    const mask = new Image();
    mask.onload = () => { if (result === answer && answer.method !== "alpha") { veil = mask; draw(); } };
    mask.src = answer.preview;
    changed();
  }

  function welcome(saved) {
    busy(false);
    find("add").disabled = false;
    if (!saved.name) { notice(saved.message); return; }
    notice("");
    find("done").textContent = fill(words.added, { name: saved.name });
    written.caption = written.name = false;
    trigger("added");
  }

  // ---------------------------------------------------------------- a photograph comes in

  function show(url) {
    if (image.getAttribute("src") === url) return;
    image.onload = () => {
      view.size = [image.naturalWidth, image.naturalHeight];
      root.dataset.phase = "drawing";
      sketch.enabled = true;
      view.fit();
      changed();
    };
    image.src = url;
  }

  connectIntake({
    element,
    words,
    limit_bytes: props.upload_max_bytes,
    notice,
    async take(chosen) {
      if (localUrl) URL.revokeObjectURL(localUrl);
      localUrl = URL.createObjectURL(chosen);
      file = null;
      view.size = null;
      sketch.clear();
      setMode("box");
      written.caption = written.name = false;
      find("done").textContent = "";
      turn += 1;
      forget();
      show(localUrl);
      busy(true);
      const mine = turn;
      try {
        const { path, url } = await upload(chosen);
        file = { path, url, orig_name: chosen.name, meta: { _type: "gradio.FileData" } };
        // Even without a box: the picture may be transparent, or one that the browser cannot show.
        if (turn === mine) turn += 1;
        send();
      } catch (error) {
        busy(false);
        notice(words.upload_failed);
      }
    },
  });

  setMode("box");
  watch("value", () => receive(props.value));
  new ResizeObserver(view.refresh).observe(stage);
}
