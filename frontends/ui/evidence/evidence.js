// Why this box: the crop as cut and as upscaled, the scores, the runner-up, the time of each stage,
// every box in a table, the answer as JSON, and the downloads. Reads the room, asks the server for
// the crops of one box at a time.
function createEvidence({ element, props, server }) {
  const { room: openRoom, element: make, mark, percent, signed, fill, save } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const root = find("evidence");

  find("data-title").textContent = words.json;
  find("save-json").textContent = words.save_json;
  find("copy-json").textContent = words.copy_json;
  find("save-picture").textContent = words.save_picture;
  find("slide").setAttribute("aria-label", words.slide);
  find("scroll").setAttribute("aria-label", words.table);
  find("json").setAttribute("aria-label", words.json);

  const boxOf = (id) => room.state.shown.boxes.find((box) => box.id === id);
  const captionNow = () => room.state.answer.captions[room.state.active];

  // The box in question: the chosen one, else the caption's answer, else its nearest.
  function subject() {
    const { shown, active, selected } = room.state;
    if (selected !== null && selected !== undefined && shown.visible.has(selected)) return selected;
    const caption = captionNow();
    const wished = caption.found ? caption.answer : caption.nearest;
    return shown.visible.has(wished) ? wished : undefined;
  }

  // ---------------------------------------------------------------- why

  function why() {
    const { shown, active } = room.state;
    const id = subject();
    root.querySelector(".why").hidden = id === undefined;
    if (id === undefined) return;
    const caption = captionNow();
    const order = shown.orders[active];
    const rank = order.indexOf(id) + 1;
    const margin = shown.lead(active, id);
    const rival = order.find((row) => row !== id);
    const chosen = caption.found && caption.answer === id;
    const { limit } = room.state.answer;
    const told = {
      caption: caption.caption, about: caption.about,
      sure: percent(caption.found_probability), limit: percent(limit),
    };
    const nearest = !caption.found && caption.nearest === id;
    const sentence = chosen
      ? (rank > 1 ? words.why_joint : rival === undefined ? words.why_only : margin < 0.05 ? words.why_level : words.why_best)
      : nearest && caption.grasp === "looks" ? words.why_looks
      : nearest && caption.verdict === "unsure" ? words.why_unsure
      : nearest && caption.verdict === "absent" ? words.why_nearest
      : nearest || (rank === 1 && caption.found && shown.visible.has(caption.answer)) ? words.why_taken : words.why_other;
    find("title").style.setProperty("--tone", `var(--caption-${caption.color})`);
    find("title").replaceChildren(mark(caption.mark), fill(words.why, { number: id + 1 }));
    find("legend").textContent = fill(words.legend, told);
    // Where both scores seem to contradict each other, what that means.
    const contrast = chosen ? caption.contrast : "";
    find("sentence").textContent = [fill(sentence, told), contrast].filter(Boolean).join(" ");
    const figures = [
      ...(chosen || nearest ? [[words.sure, percent(caption.found_probability)]] : []),
      [words.probability, percent(caption.probability[id])],
      [words.detector, boxOf(id).detector.toFixed(2)],
      [words.evidence, signed(caption.evidence[id])],
      [words.margin, margin === null ? words.none : signed(margin)],
      [words.place, fill(words.place_of, { rank, boxes: order.length })],
      [words.size, `${Math.round(boxOf(id).w)} \u00d7 ${Math.round(boxOf(id).h)}`],
    ];
    find("figures").replaceChildren(...figures.map(([name, value]) => make("div", {}, [make("dt", { text: name }), make("dd", { text: value })])));
    showRival(caption, order, rival);
    showCrops(id);
  }

  function showRival(caption, order, id) {
    find("rival").hidden = id === undefined;
    if (id === undefined) return;
    const rank = order.indexOf(id) + 1;
    find("rival-title").textContent = rank === 1 ? words.best : words.runner_up;
    const crop = find("rival-crop");
    crop.setAttribute("aria-label", fill(words.show_box, { number: id + 1 }));
    crop.onclick = () => room.set({ selected: id });
    crop.onmouseenter = () => room.set({ hovered: id });
    crop.onmouseleave = () => room.set({ hovered: null });
    frame(crop, boxOf(id));
    find("rival-figures").textContent = fill(words.rival, {
      number: id + 1, share: percent(caption.probability[id]), detector: boxOf(id).detector.toFixed(2), evidence: signed(caption.evidence[id]),
    });
  }

  // Shows the surroundings of a box from the picture that the browser already has.
  function frame(node, box) {
    const { image, answer } = room.state;
    if (!image) return;
    const side = Math.max(box.w, box.h) * 1.2;
    // In shares of the square, which gets another size when the window is turned.
    const place = (middle, length) => `${100 * (middle - side / 2) / (length - side || 1e-3)}%`;
    const [width, height] = answer.size;
    node.style.backgroundImage = `url("${image}")`;
    node.style.backgroundSize = `${100 * width / side}% ${100 * height / side}%`;
    node.style.backgroundPosition = `${place(box.x + box.w / 2, width)} ${place(box.y + box.h / 2, height)}`;
  }

  const kept = new Map();
  let asked = null;
  async function showCrops(id) {
    const { key } = room.state.answer;
    const name = `${key} ${id}`;
    if (asked === name) return;
    asked = name;
    if (!kept.has(name)) {
      if (kept.size > 200) kept.clear();
      kept.set(name, server.crops({ key, row: id }).catch(() => null));
    }
    const crops = await kept.get(name);
    if (asked !== name) return;
    if (!crops) { kept.delete(name); asked = null; return; }
    const url = (data) => (data ? `url("${data}")` : "none");
    find("cut").style.backgroundImage = url(crops.cut);
    find("upscaled").style.backgroundImage = url(crops.upscaled);
    find("pair").toggleAttribute("data-single", !crops.upscaled);
    find("name-cut").textContent = fill(words.cut, crops);
    find("name-upscaled").textContent = crops.upscaled ? fill(words.upscaled, crops) : crops.note;
  }

  find("slide").addEventListener("input", (event) => find("pair").style.setProperty("--cut", `${event.target.value}%`));

  // ---------------------------------------------------------------- time

  function time() {
    const { seconds, reused, engine, reason } = room.state.answer;
    const ms = (value) => (value * 1000 < 9.5 ? (value * 1000).toFixed(1) : Math.round(value * 1000));
    const stages = Object.entries(seconds).filter(([name]) => name !== "total");
    const total = make("b", { text: fill(words.total, { ms: ms(seconds.total) }) });
    const parts = stages.map(([name, value]) => `${words.stages[name] || name} ${ms(value)}`).join(" \u00b7 ");
    find("time-line").replaceChildren(total, ` = ${parts}`, reused ? ` ${words.reused}` : "");
    find("time-bar").replaceChildren(...stages.map(([, value]) => make("i", { style: `flex-grow: ${Math.max(value * 1e6, 1)}` })));
    find("engine").textContent = reason ? `${engine}. ${reason}` : engine;
  }

  // ---------------------------------------------------------------- table

  function table() {
    const { answer, shown, active } = room.state;
    find("all-title").textContent = fill(words.all, { boxes: shown.boxes.length });
    const groups = make("tr", {}, [make("th", { colspan: 4, scope: "colgroup", text: "" })]);
    const names = make("tr", {}, [words.box, words.left_top, words.size, words.detector].map((name) => make("th", { scope: "col", text: name })));
    for (const caption of answer.captions) {
      const group = make("th", { colspan: 3, scope: "colgroup", class: "group start", style: `--tone: var(--caption-${caption.color})` }, [mark(caption.mark)]);
      group.append(caption.caption);
      groups.append(group);
      names.append(make("th", { scope: "col", class: "start", text: words.probability }), make("th", { scope: "col", text: words.evidence }), make("th", { scope: "col", text: words.margin }));
    }
    const rows = shown.orders[active].map(tableRow);
    find("table").replaceChildren(make("thead", {}, [groups, names]), make("tbody", {}, rows));
  }

  function tableRow(id) {
    const { answer, shown } = room.state;
    const box = boxOf(id);
    const pick = make("button", { type: "button", class: "pick", text: id + 1, "aria-label": fill(words.show_box, { number: id + 1 }) });
    const row = make("tr", {
      "data-id": id,
      onclick: () => room.set({ selected: id }),
      onmouseenter: () => room.set({ hovered: id }),
      onmouseleave: () => room.set({ hovered: null }),
    }, [
      make("td", {}, [pick]),
      make("td", { text: `${Math.round(box.x)}, ${Math.round(box.y)}` }),
      make("td", { text: `${Math.round(box.w)} \u00d7 ${Math.round(box.h)}` }),
      make("td", { text: box.detector.toFixed(2) }),
    ]);
    answer.captions.forEach((caption, i) => {
      const margin = shown.lead(i, id);
      const best = caption.answer === id;
      row.append(
        make("td", { class: "start", "data-best": best, text: percent(caption.probability[id]) }),
        make("td", { "data-best": best, text: signed(caption.evidence[id]) }),
        make("td", { "data-best": best, text: margin === null ? words.none : signed(margin) }),
      );
    });
    return row;
  }

  function light(state) {
    for (const row of find("table").querySelectorAll("tbody tr")) {
      row.toggleAttribute("data-lit", Number(row.dataset.id) === state.hovered);
      row.toggleAttribute("data-selected", Number(row.dataset.id) === state.selected);
    }
  }

  // ---------------------------------------------------------------- downloads

  const json = () => JSON.stringify(room.state.answer.result, null, 2);
  function say(message) {
    find("done").textContent = message;
    setTimeout(() => { if (find("done").textContent === message) find("done").textContent = ""; }, 4000);
  }
  find("data").addEventListener("toggle", () => { if (find("data").open) find("json").textContent = json(); });
  find("save-json").addEventListener("click", () => save(`${room.state.answer.save_as}.json`, new Blob([json()], { type: "application/json" })));
  find("copy-json").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(json());
      say(words.copied);
    } catch (error) {
      say(words.not_copied);
    }
  });
  function wish() {
    const { answer, score_min } = room.state;
    return {
      key: answer.key, captions: answer.captions.map((caption) => caption.caption), assignment: answer.assignment,
      score_min: answer.score_min, shown_min: score_min ?? 0, limit: answer.limit,
    };
  }
  find("save-picture").addEventListener("click", async () => {
    const { save_as: name } = room.state.answer;
    try {
      const url = await server.overlay(wish());
      const blob = await (await fetch(url)).blob();
      save(`${name}.${blob.type === "image/png" ? "png" : "jpg"}`, blob);
    } catch (error) {
      say(words.not_saved);
    }
  });

  // ---------------------------------------------------------------- on to Annotate

  const annotate = openRoom("annotate");
  const entered = new Promise((go) => annotate.on(["visit"], go));

  function tellSent(message, place = null) {
    find("sent-text").textContent = message;
    find("sent-link").hidden = !place;
    find("sent-link").onclick = () => annotate.set({ wished: place });
  }

  find("sent-link").textContent = words.open;
  find("send").textContent = words.send;
  find("send").addEventListener("click", async () => {
    const asked = wish();
    find("send").disabled = true;
    try {
      if (!annotate.state.visit) { annotate.set({ entering: {} }); await entered; }
      const answer = await server.send({ ...asked, visit: annotate.state.visit, project: find("place").hidden ? lastProject() : find("place").value });
      if (answer.error) tellSent(answer.error);
      else tellSent(answer.said, { project: answer.project, image: answer.image });
      if (!find("place").hidden) { chosen = answer.project || chosen; await offer(); }
    } catch (error) { tellSent(words.not_sent); }
    find("send").disabled = false;
  });

  // The project that this browser used last, not that of a colleague.
  function lastProject() {
    if (annotate.state.project) return annotate.state.project.key;
    try { return localStorage.getItem("spotter-last-project") || ""; } catch (error) { return ""; }
  }
  room.on(["answer"], () => tellSent(""));

  // Where there are several projects, one of them is chosen; else nobody is asked.
  let chosen = null;

  async function offer() {
    if (!room.state.answer) return;
    let places;
    try { ({ places } = await server.places({ visit: annotate.state.visit })); } catch (error) { return; }
    const field = find("place");
    field.hidden = !places || places.length < 2;
    if (field.hidden) return;
    const names = places.map(({ name }) => name);
    const usual = places.find(({ name }) => name === words.default_project);
    const options = places.map(({ key, name }, i) => ({ key, text: names.indexOf(name) === i && !names.includes(name, i + 1) ? name : `${name} (${key})` }));
    if (!usual) options.push({ key: "", text: fill(words.send_to_new, { name: words.default_project }) });
    field.replaceChildren(...options.map(({ key, text }) => make("option", { value: key, text })));
    const wished = chosen ?? lastProject();
    field.value = options.some(({ key }) => key === wished) ? wished : usual ? usual.key : "";
  }

  find("place").setAttribute("aria-label", words.send_to);
  find("place").addEventListener("change", () => { chosen = find("place").value; });
  room.on(["answer"], offer);
  annotate.on(["project", "visit"], (state, changed) => { if (changed.includes("project")) chosen = null; offer(); });

  // ---------------------------------------------------------------- in step with the room

  function refresh() {
    const { answer, shown } = room.state;
    root.hidden = !answer;
    if (!answer || !shown || shown.answer !== answer) return;
    asked = null;
    find("why").hidden = shown.boxes.length === 0;
    find("all").hidden = shown.boxes.length === 0;
    if (shown.boxes.length) { why(); table(); light(room.state); }
    time();
    if (find("data").open) find("json").textContent = json();
  }

  room.on(["shown", "answer", "image"], refresh);
  room.on(["selected"], (state) => { if (state.answer && state.shown && state.shown.boxes.length) why(); });
  room.on(["hovered", "selected"], light);
}
