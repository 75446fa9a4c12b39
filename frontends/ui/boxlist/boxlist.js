// The boxes of the image that is open: what they are, how sure the models are, and what to do with
// them. The chosen one unfolds to its type, caption and figures.
//
// Room in: `listed`, `rows`, `photo`, `asked`, `missing`, `next_caption`, `selected`, `hovered`, `hidden`,
// `focus`, `numbered`, `suggest`. Out: `command`, `selected`, `hovered`, `score_min`, `sheet`, `asked`, `picked`,
// `naming` ("waits" while a box is to get the best caption and that is not known, then "", or "failed").
function createBoxlist({ element, props, server }) {
  const { room: openRoom, element: make, svg, mark, percent, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const order = (name, ...args) => room.set({ command: { name, args } });
  const rowNodes = new Map();  // by key: a new box keeps its key when it gets its number
  let past = null;  // {id, entries, version}: the history that is unfolded, of a version of the image

  find("filter-label").textContent = words.filter;
  find("fate").textContent = words.hidden_fate;
  find("score").setAttribute("aria-describedby", "annotate-score-value");
  find("score").addEventListener("input", () => room.set({ score_min: Number(find("score").value) }));
  // Who set it with the pointer goes on with keys of the picture, who set it with keys goes on here.
  let isPointed = false;
  find("score").addEventListener("pointerdown", () => { isPointed = true; });
  find("score").addEventListener("keydown", () => { isPointed = false; });
  find("score").addEventListener("change", () => { if (isPointed) find("score").blur(); });
  for (const [name, command] of [["proposals", "proposals"], ["refused", "rejected"]]) {
    find(name).addEventListener("click", () => { order(command); find(name).blur(); });
  }
  find("kinds").textContent = words.kinds;
  find("kinds").title = words.kinds_title;
  find("kinds").addEventListener("click", () => { room.set({ sheet: { name: "kinds" } }); find("kinds").blur(); });
  find("look").textContent = words.look;
  find("look").addEventListener("click", () => room.set({ sheet: { name: "prelabel" } }));
  const icon = (path) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: path })]);
  const TICK = "M3 8.5l3.2 3.2L13 5";
  const CROSS = "M4 4l8 8M12 4l-8 8";

  function act(name, label, path, id) {
    return make("button", { type: "button", class: `act ${name}`, title: label, "aria-label": label, onclick: (event) => { order(name, id); event.currentTarget.blur(); } }, [icon(path)]);
  }

  function figure(key, value, stale) {
    const node = make("div", { class: "figure" }, [make("span", { class: "key", text: key }), make("span", { class: "value", text: value })]);
    node.toggleAttribute("data-stale", Boolean(stale));
    return node;
  }

  function field(name, value, list, id) {
    const input = make("input", { type: "text", class: `field-${name}`, list, autocomplete: "off", spellcheck: "false", maxlength: name === "caption" ? "200" : "60", "aria-label": words[name], placeholder: words[`${name}_hint`] });
    input.value = value;
    input.dataset.was = value;
    const commit = () => {
      if (!input.isConnected) return;  // taken away with its picture: the number may mean another box now
      const text = input.value.trim();
      if (text === input.dataset.was || (name === "class" && !text)) { input.value = input.dataset.was; return; }
      input.dataset.was = text;
      order("describe", id, { [name === "class" ? "class_name" : "caption"]: text });
    };
    input.addEventListener("change", commit);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = input.dataset.was; input.blur(); event.stopPropagation(); }
      if (event.key === "Enter" && !event.isComposing) { commit(); input.blur(); }
    });
    return input;
  }

  const keyOf = (box) => box.key ?? box.id;

  // Fields keep their text and the cursor while figures around them change.
  function detail(box) {
    const old = rowNodes.get(keyOf(box));
    const node = old && old.querySelector(".detail");
    const inputs = node ? [node.querySelector(".field-class"), node.querySelector(".field-caption")] : [
      field("class", box.class_name, "annotate-classes", keyOf(box)), field("caption", box.caption, "annotate-captions", keyOf(box))];
    [box.class_name, box.caption].forEach((value, i) => {
      if (inputs[i] !== document.activeElement && inputs[i].dataset.was !== value) { inputs[i].value = value; inputs[i].dataset.was = value; }
    });
    const stale = Boolean(box.caption) && box.probability === null && box.state !== "rejected";
    const unknown = stale ? "…" : words.none;
    const figures = make("div", { class: "figures" }, [
      figure(words.similarity, box.probability === null ? unknown : percent(box.probability), stale),
      figure(words.rank, box.rank ? fill(words.rank_of, box) : unknown, stale),
      figure(words.detector, box.detector === null ? words.none : box.detector.toFixed(2)),
      figure(words.size, `${Math.round(box.w)} × ${Math.round(box.h)}`),
    ]);
    const origin = make("div", { class: "origin" }, [
      make("span", { text: box.source ? fill(words.by, { who: box.source }) : "" }),
      box.id > 0 ? make("button", { type: "button", class: "link", text: past && past.id === box.id ? words.history_close : words.history, onclick: () => toggleHistory(box.id) }) : null,
    ]);
    const told = past && past.id === box.id && past.entries.length ? [make("ul", { class: "history" }, past.entries.map((line) => make("li", { text: line })))] : [];
    if (node) {
      node.querySelectorAll(".fits, .figures, .origin, .history").forEach((other) => other.remove());
      node.append(...fitting(box), figures, origin, ...told);
      return node;
    }
    return make("div", { class: "detail" }, [make("span", { text: words.class }), inputs[0], make("span", { text: words.caption }), inputs[1], ...fitting(box), figures, origin, ...told]);
  }

  // ---------------------------------------------------------------- captions that fit the chosen box

  const FITS_REST_MS = 120;
  // Captions {caption, probability} of the place that was asked about, null until they are known, what
  // is shown till then, and the one that the key gave there.
  let fits = { place: "", box: null, captions: null, shown: [], last: "" };
  let wished = null;  // {box, image}: what gets the best one as soon as that is known, wherever the choice goes
  let resting = 0;

  function fitting(box) {
    if (!fits.shown.length || fits.box !== keyOf(box)) return [];
    return [make("div", { class: "fits", role: "group", "aria-label": words.suggested }, [
      make("span", { class: "fits-title", text: words.suggested }),
      ...fits.shown.map(({ caption, probability }) => make("button", {
        type: "button", class: "fit", "aria-pressed": String(caption === box.caption),
        title: fill(words.suggested_title, { caption, share: percent(probability) }),
        // A field that is left here would tell its words first, and its row would go from below the pointer.
        onmousedown: (event) => event.preventDefault(),
        onclick: () => give(box, caption),
      }, [make("span", { class: "words", text: caption }), make("span", { class: "chance", text: percent(probability) })])),
    ])];
  }

  // Instead of what stands in its field, if that is being written.
  function give(box, caption) {
    const input = find("field-caption");
    if (input) { input.value = caption; input.dataset.was = caption; }
    if (element.contains(document.activeElement)) document.activeElement.blur();
    order("describe", box.id, { caption });
  }

  const chosenBox = () => (room.state.listed || []).find((box) => box.id === room.state.selected) || null;

  const imageOf = ({ photo, project }) => (photo && project ? `${project.key} ${photo.id}` : "");

  function wishedBox() {
    const { photo, rows = [] } = room.state;
    if (!wished || wished.image !== imageOf(room.state) || photo.removed) return null;
    return rows.find((row) => keyOf(row) === wished.box && row.state !== "rejected") || null;
  }

  function giveUp(message, calm = false) {
    wished = null;
    room.set({ naming: "failed" });
    if (message) room.set({ notice: { message, calm, act: null } });
  }

  // Asked about the place, not the box: it may have been drawn or moved a moment ago.
  function lookUp() {
    const { photo, project } = room.state;
    const waiting = wishedBox();
    if (wished && !waiting) giveUp(photo && wished.image !== imageOf(room.state) ? words.not_suggested : "", true);
    const box = waiting || chosenBox();
    const xyxy = box && [box.x, box.y, box.x + box.w, box.y + box.h];
    const isOpen = box && photo && !photo.removed && box.state !== "rejected";
    const place = isOpen ? `${imageOf(room.state)} ${xyxy.map((side) => Math.round(100 * side))}` : "";
    if (place === fits.place) return;
    // Of a box that was moved the earlier ones stand until then, or all below would jump twice.
    const shown = isOpen && keyOf(box) === fits.box ? fits.shown : [];
    fits = { place, box: isOpen ? keyOf(box) : null, captions: null, shown, last: "" };
    clearTimeout(resting);
    if (!place) return;
    resting = setTimeout(async () => {
      const answer = await server.suggest({ visit: room.state.visit, project: project.key, image: photo.id, xyxy }).catch((error) => ({ error: String(error.message || error) }));
      if (fits.place !== place) return;
      if (!answer.suggestions) {  // asked again with what is done next
        fits.place = "";
        if (wished) giveUp(answer.error);
        return;
      }
      fits.captions = fits.shown = answer.suggestions;
      if (wishedBox()) nameNext(wishedBox());
      render();
    }, FITS_REST_MS);
  }

  function giveNext() {
    lookUp();
    const box = chosenBox();
    if (!box || !fits.place) return;
    if (fits.captions) { nameNext(box); return; }
    const mine = wished = { box: keyOf(box), image: imageOf(room.state) };
    room.set({ naming: "waits" });
    setTimeout(() => { if (wished === mine) giveUp(words.suggested_late); }, props.patience_ms);
  }

  // The best one first, whatever the box has now; then the one after that which was given last.
  function nameNext(box) {
    if (!fits.captions.length) { giveUp(words.none_fits); return; }
    const known = fits.captions.map(({ caption }) => caption);
    const goesOn = box.caption === fits.last || box.caption === known[0];
    fits.last = known[goesOn ? (known.indexOf(box.caption) + 1) % known.length : 0];
    wished = null;
    order("describe", box.id, { caption: fits.last });
    room.set({ naming: "" });
  }

  // ---------------------------------------------------------------- what was done to it

  async function toggleHistory(id) {
    if (past && past.id === id) { past = null; render(); return; }
    past = { id, entries: [] };
    await readHistory();
  }

  async function readHistory() {
    const { id } = past;
    past.version = room.state.photo.version;
    const answer = await server.history({ visit: room.state.visit, project: room.state.project.key, box: id }).catch((error) => ({ error: String(error.message || error) }));
    if (!past || past.id !== id) return;
    past.entries = answer.entries || [answer.error];
    render();
  }

  function renderRow(box) {
    const chosen = box.id === room.state.selected;
    const state = words.states[box.state];
    const said = box.caption || box.class_name;
    const pick = make("button", { type: "button", class: "pick", "aria-pressed": String(chosen), "aria-label": fill(words.row, { label: said, state }), onclick: (event) => { room.set({ selected: chosen ? null : box.id }); event.currentTarget.blur(); } }, [
      make("span", { class: "number", "aria-hidden": "true", text: box.number }),
      make("span", { class: "sign", style: `--tone: var(--caption-${box.color})` }, [mark(box.mark)]),
      make("span", { class: box.caption ? "said" : "said plain", text: said, title: said }),
      make("span", { class: "share", title: box.probability === null || box.detector === null ? null : fill(words.scores, { share: percent(box.probability), score: box.detector.toFixed(2) }), text: box.probability !== null ? percent(box.probability) : box.detector !== null && box.state === "proposed" ? fill(words.detector_short, { score: box.detector.toFixed(2) }) : "" }),
    ]);
    const buttons = [
      box.state === "confirmed" ? null : act("accept", words.accept, TICK, box.id),
      box.state === "rejected" ? null : act("remove", box.own ? words.delete : words.reject, CROSS, box.id),
    ];
    const line = make("div", { class: "line" }, [pick, ...buttons]);
    const old = rowNodes.get(keyOf(box));
    const keeps = old && chosen && old.contains(document.activeElement) && document.activeElement.matches("input");
    const node = keeps ? old : make("li", { class: "row", onpointerenter: () => room.set({ hovered: Number(node.dataset.id) }), onpointerleave: () => room.set({ hovered: null }) });
    if (keeps) { node.querySelector(".line").replaceWith(line); detail(box); }
    else node.append(line, ...(chosen ? [detail(box)] : []));
    node.dataset.id = box.id;
    node.dataset.state = box.state;
    node.toggleAttribute("data-selected", chosen);
    return node;
  }

  // A row that is typed into is never taken out, or the browser would end the typing.
  function arrange(list, nodes) {
    const wanted = new Set(nodes);
    [...list.children].filter((node) => !wanted.has(node)).forEach((node) => node.remove());
    nodes.forEach((node, i) => { if (list.children[i] !== node) list.insertBefore(node, list.children[i] || null); });
  }

  function render() {
    const { listed = [], rows = [], photo, hidden = 0 } = room.state;
    const [strip, told] = [find("fits"), fits.box];
    const along = strip ? strip.scrollLeft : 0;
    lookUp();
    const nodes = listed.map((box) => [keyOf(box), renderRow(box)]);
    rowNodes.clear();
    nodes.forEach(([key, node]) => rowNodes.set(key, node));
    arrange(find("rows"), nodes.map(([, node]) => node));
    if (along && told === fits.box && find("fits")) find("fits").scrollLeft = along;  // one line on a phone
    light();
    find("empty").hidden = !photo || listed.length > 0;
    const nothing = { done: words.none_here, proposed: words.none_found };
    find("empty").textContent = rows.some((row) => row.state === "proposed") ? words.all_hidden : (photo && nothing[photo.state]) || words.no_boxes;
    find("look").hidden = !photo || photo.state !== "new" || rows.length > 0;
    find("refused").hidden = !rows.some((row) => row.state === "rejected");
    find("refused").textContent = fill(words.refused, { count: rows.filter((row) => row.state === "rejected").length });
    find("fate").hidden = hidden === 0;
    find("proposals").textContent = hidden ? fill(words.proposals_hidden, { count: hidden }) : words.proposals;
  }

  function light() {
    for (const node of rowNodes.values()) node.toggleAttribute("data-lit", Number(node.dataset.id) === room.state.hovered);
  }

  // What was given with the picture and has no box, then what else was looked for. Captions with
  // boxes stand above.
  function soughtHere() {
    const { asked = [], missing = [], photo, rows = [] } = room.state;
    const { given = [] } = photo || {};
    const boxed = rows.filter((row) => row.state !== "rejected").map((row) => row.caption);
    // What is marked absent beside boxes that show it means: no other one.
    const isAbsent = (one) => one.confirmed && !one.found && !boxed.includes(one.caption);
    return [
      ...missing.map((caption) => ({ caption, missing: true, found: true })),
      ...asked.filter((one) => isAbsent(one) || !given.includes(one.caption)),
    ];
  }

  function turn(one) {
    const { asked = [] } = room.state;
    const now = { caption: one.caption, found: !one.found, confirmed: true };
    room.set({ asked: [...asked.filter((other) => other.caption !== one.caption), now] });
    order("absent", one.caption, one.found);
  }

  function renderAsked() {
    const { selected, next_caption: next } = room.state;
    const isChosen = selected !== null && selected !== undefined;
    const sought = soughtHere();
    const first = sought.findIndex((one) => one.missing && one.caption === next);
    find("asked").hidden = sought.length === 0;
    find("asked-title").textContent = first >= 0 ? words.without_box : words.asked;
    find("asked-rows").replaceChildren(...sought.map((one, i) => {
      const seen = one.missing ? (i === first ? words.is_next : "") : one.unread ? words.unread : one.found ? words.found : words.absent;
      const give = isChosen
        ? { text: words.give_it, title: words.give_it_title, onclick: () => order("describe", selected, { caption: one.caption }) }
        : { text: words.draw_it, title: words.draw_it_title, onclick: () => { room.set({ picked: one.caption, tool: "draw" }); document.getElementById(props.picture).scrollIntoView({ block: "nearest" }); } };
      return make("li", { "data-next": i === first ? "" : null }, [
        make("span", { class: "text", text: one.caption, title: one.caption }),
        make("span", { class: "seen", text: seen }),
        one.missing && (i !== first || isChosen) ? make("button", { type: "button", class: "toggle give", ...give }) : null,
        make("button", { type: "button", class: "toggle turn", text: one.found ? words.mark_absent : words.mark_present, title: one.found ? words.absent_title : words.present_title, onclick: () => turn(one) }),
      ]);
    }));
  }

  function fillLists() {
    const { captions = [], classes = [] } = room.state.project || {};
    for (const [id, values] of [["annotate-captions", captions], ["annotate-classes", classes]]) {
      element.querySelector(`#${id}`).replaceChildren(...values.map((value) => make("option", { value })));
    }
  }

  room.on(["listed", "boxes", "rows", "photo", "hidden"], render);
  room.on(["photo"], ({ photo }) => { if (past && photo && photo.version !== past.version) readHistory(); });
  room.on(["selected"], () => {
    past = null;
    render();
    const node = [...rowNodes.values()].find((other) => Number(other.dataset.id) === room.state.selected);
    // Where the page itself scrolls, the picture stays in sight.
    const scrolls = find("rows").scrollHeight > find("rows").clientHeight;
    if (node && scrolls) node.scrollIntoView({ block: "nearest" });
  });
  room.on(["suggest"], giveNext);
  room.on(["hovered"], light);
  room.on(["numbered"], ({ numbered }) => element.querySelector(".boxlist").toggleAttribute("data-numbered", numbered));
  room.on(["asked", "missing", "next_caption", "photo", "rows", "selected"], renderAsked);
  room.on(["project"], fillLists);
  room.on(["focus"], ({ focus }) => {
    const input = find(`field-${focus.field}`);
    if (input) { input.focus(); input.select(); }
  });
  room.on(["score_min"], ({ score_min }) => { find("score").value = score_min; find("score-value").textContent = score_min ? score_min.toFixed(2) : words.all; });
  room.on(["proposals"], ({ proposals }) => find("proposals").setAttribute("aria-pressed", String(proposals !== false)));
  room.on(["show_rejected"], (state) => find("refused").setAttribute("aria-pressed", String(Boolean(state.show_rejected))));
  find("score-value").textContent = words.all;
  render();
}
