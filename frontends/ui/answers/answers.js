// What was found, caption by caption. Receives the answer from the server, shares it with the
// room, and keeps the picture's boxes in step with the chosen caption and the confidence slider.
//
// Room: `answer` (as sent), `shown` (rows above the confidence, and their leads), `active` (caption), `boxes`.
function createAnswers({ element, props, watch }) {
  const { room: openRoom, element: make, mark, percent, signed, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const root = element.querySelector(".answers");
  const cards = element.querySelector(".cards");
  const ROWS = 3;
  const LIKE_SHOWN = 5;
  const PLURAL_SHOWN = 10;
  const BAR_LOGITS = 3;

  function receive() {
    const answer = props.value;
    if (!answer) return;
    const error = answer.error || {};
    // Asked for by a press or a picture, not by typing: then the field stays where it is.
    const awaited = room.state.busy;
    room.set({
      busy: false,
      picture_error: error.at === "picture" ? error.message : "",
      captions_error: error.at === "captions" ? error.message : "",
    });
    const notice = element.querySelector(".notice");
    notice.textContent = error.at === "page" ? error.message : "";
    notice.hidden = error.at !== "page";
    // The picture before comes back, and what was found in it.
    if (answer.refused) { room.set({ refused: answer.serial }); return; }
    const before = room.state.answer;
    const keep = before && before.key === answer.key && room.state.active < (answer.captions || []).length;
    room.set({ answer: answer.error ? null : answer, active: keep ? room.state.active : 0 });
    const chosen = keep && (answer.boxes || []).some((box) => box.id === room.state.selected);
    if (!chosen) room.set({ selected: null });
    if (awaited && !answer.error) bringIntoView();
  }

  // Where the first answer ends below the window, on a phone or below many captions: as much of what
  // is above stays as the answer leaves room for.
  function bringIntoView() {
    const first = cards.firstElementChild;
    if (!first) return;
    const { top, bottom } = first.getBoundingClientRect();
    const below = Math.min(bottom + 12 - window.innerHeight, top - 12);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (below > 0) window.scrollBy({ top: below, behavior: calm ? "auto" : "smooth" });
  }

  // Boxes at or above the confidence, and each caption's order among them.
  function refresh() {
    const answer = room.state.answer;
    if (!answer) { room.set({ boxes: [], shown: null }); render(); return; }
    const least = Math.max(room.state.score_min ?? 0, 0);
    const boxes = answer.boxes.filter((box) => box.detector >= least);
    const visible = new Set(boxes.map((box) => box.id));
    const orders = answer.captions.map((caption) => caption.order.filter((row) => visible.has(row)));
    // By how much a box is ahead of the best other one that is shown; null where it is the only one.
    const lead = (i, id) => {
      const other = orders[i].find((row) => row !== id);
      return other === undefined ? null : answer.captions[i].evidence[id] - answer.captions[i].evidence[other];
    };
    room.set({ shown: { answer, boxes, orders, visible, lead }, boxes: drawable(answer, boxes, orders) });
    render();
  }

  // A box that captions mean carries their marks and chances, the chosen one's first. Everything
  // else that is told of a box is what the chosen caption says of it.
  function drawable(answer, boxes, orders) {
    const active = Math.min(room.state.active, answer.captions.length - 1);
    const asked = answer.captions[active];
    const several = answer.captions.length > 1;
    return boxes.map((box) => {
      const owners = [...new Set([asked, ...answer.captions])].filter((caption) => caption.answer === box.id);
      const isNear = !asked.found && asked.nearest === box.id;
      const near = asked.verdict === "unsure" ? "perhaps" : "nearest";
      const meant = isNear && (near === "perhaps" || !owners.length) ? [asked, ...owners] : owners;
      const first = owners[0] || asked;
      return {
        ...box,
        label: first.caption,
        number: box.id + 1,
        meant: meant.map((caption) => ({
          label: caption.caption, color: caption.color, mark: caption.mark, sure: chanceOf(caption).sure,
          as: caption.answer === box.id ? "answer" : near,
        })),
        asked: { caption: asked.caption, color: asked.color, mark: several ? asked.mark : null },
        rank: orders[active].indexOf(box.id) + 1,
        probability: asked.probability[box.id],
        state: owners.length ? "answer" : isNear ? "nearest" : "candidate",
        color: meant.length ? first.color : null,
        mark: meant.length ? first.mark : null,
      };
    });
  }

  function render() {
    const { answer, shown } = room.state;
    const advice = element.querySelector(".advice");
    const more = element.querySelector(".more");
    for (const part of [cards, advice, more]) part.replaceChildren();
    const sum = element.querySelector(".sum");
    sum.textContent = "";
    if (!answer) return;
    if (answer.boxes.length === 0) {
      advice.append(make("p", { text: words.nothing }), steps([lower(), closer(answer), make("span", { text: words.other })]));
      cards.append(...answer.captions.map(card));
      return;
    }
    const found = answer.captions.filter((caption) => caption.found && shown.visible.has(caption.answer)).length;
    sum.textContent = fill(shown.boxes.length === 1 ? words.sum_one : words.sum, { found, captions: answer.captions.length, boxes: shown.boxes.length });
    cards.append(...answer.captions.map(card));
    if (shown.boxes.length === 0) advice.append(make("p", { text: words.all_hidden }), steps([lower()]));
    if (answer.pieces) more.append(...(answer.closely ? [make("span", { text: fill(words.closely, answer) })] : []), closer(answer));
    for (const line of answer.warnings) advice.append(make("p", { text: line }));
  }

  const steps = (nodes) => make("div", { class: "steps" }, nodes);
  const lower = () => make("button", {
    type: "button", class: "quiet", text: words.lower, onclick: () => room.set({ setting: { key: "score_min" } }),
  });

  // Seen piece by piece, a picture larger than the models' input shows smaller objects. That is for
  // this picture alone; it is urged where something that can be looked for was not found.
  function closer({ pieces, closely, captions }) {
    if (!pieces) return null;
    const isUrged = !closely && captions.some(({ verdict, grasp }) => verdict !== "found" && verdict !== "unread" && grasp !== "looks");
    const button = make("button", { type: "button", class: isUrged ? "quiet" : "link", text: fill(closely ? words.whole : words.closer, { pieces }), onclick: () => {
      button.textContent = closely ? words.again : fill(words.looking, { pieces });
      button.disabled = true;
      room.set({ closely: { value: !closely } });
    } });
    return button;
  }

  // Where words of the caption count for nothing, what the chance is about.
  function chanceOf({ found_probability, about }) {
    const told = { share: percent(found_probability), about };
    return { sure: fill(about ? words.sure_of : words.sure, told), chance: fill(about ? words.chance_of : words.chance, told) };
  }

  function card(caption, i) {
    const { shown, active, answer } = room.state;
    const order = shown.orders[i];
    const tone = `--tone: var(--caption-${caption.color})`;
    const wished = caption.found ? caption.answer : caption.nearest;
    const best = shown.visible.has(wished) ? wished : null;
    // A nearest box that is out of the question is not missed.
    const hidden = best === null && ["found", "unsure"].includes(caption.verdict);
    const verdict = make("span", { class: "verdict" });
    const told = { number: wished === null ? "" : wished + 1, share: percent(caption.found_probability), about: caption.about, ...chanceOf(caption) };
    if (caption.found && !hidden) {
      verdict.append(make("b", { text: fill(words.found, told) }));
      const like = caption.like.filter((row) => shown.visible.has(row)).map((row) => String(row + 1));
      const [one, several, most] = caption.plural ? [words.also_one, words.also, PLURAL_SHOWN] : [words.like_one, words.like, LIKE_SHOWN];
      if (like.length) verdict.append(` ${fill(like.length > 1 ? several : one, { numbers: listed(like, most) })}`);
    } else {
      // Of what is known it may be quite sure; what the caption is about is another matter.
      const inPart = caption.verdict === "unsure" && caption.grasp === "looks" && caption.about;
      const said = inPart ? words.unsure_looks : caption.verdict === "taken" ? words.absent : words[caption.verdict];
      verdict.append(make("b", { text: hidden ? words.hidden : fill(said, told) }));
      const nearest = caption.verdict === "taken" ? words.taken : words.nearest;
      if (!hidden && best !== null && !["unsure", "unread"].includes(caption.verdict)) verdict.append(` ${fill(nearest, told)}`);
    }
    const head = make("button", {
      type: "button", class: "head", "aria-pressed": String(i === active),
      onclick: () => room.set({ active: i, selected: best }),
    }, [
      mark(caption.mark), make("span", { class: "caption", text: caption.caption }), verdict,
    ]);
    const open = order.length && caption.verdict !== "unread" && (answer.captions.length <= 3 || i === active);
    const rows = open ? [make("ol", { class: "rows" }, order.slice(0, ROWS).map((id, rank) => row(caption, i, id, rank + 1, best)))] : [];
    // Once is enough: the first list tells what the numbers are.
    if (open && (i === 0 || answer.captions.length > 3)) {
      const heads = [words.box, words.evidence, words.similarity, words.detector];
      rows.unshift(make("p", { class: "heads", title: words.order, "aria-hidden": "true" }, heads.map((head) => make("span", { text: head }))));
    }
    return make("section", { class: "card", style: tone, "aria-label": caption.caption }, [
      head, ...caption.notes.map((note) => make("p", { class: "note", text: note })), ...rows,
    ]);
  }

  // "2, 4 and 5"; of many the first ones.
  function listed(numbers, most) {
    const told = numbers.length > most + 1 ? [...numbers.slice(0, most), fill(words.like_more, { count: numbers.length - most })] : numbers;
    return new Intl.ListFormat("en-GB").format(told);
  }

  function row(caption, i, id, rank, best) {
    const box = room.state.shown.boxes.find((other) => other.id === id);
    const share = caption.probability[id];
    // What orders the list. It has no upper end: half of the bar is an evidence of 0.
    const length = 100 / (1 + Math.exp(-caption.evidence[id] / BAR_LOGITS));
    const meter = make("span", { class: "meter" }, [make("i", { style: `width: ${Math.max(1, length)}%` })]);
    const isBest = id === best;
    const node = make("button", {
      type: "button", class: "row", "data-id": id,
      "data-best": isBest && caption.found, "data-near": isBest && !caption.found,
      "aria-pressed": String(room.state.selected === id && room.state.active === i),
      "aria-label": fill(words.row, { number: id + 1, rank, share: percent(share), detector: box.detector.toFixed(2), evidence: signed(caption.evidence[id]) }),
      onclick: () => room.set({ active: i, selected: id }),
      onmouseenter: () => room.set({ hovered: id }),
      onmouseleave: () => room.set({ hovered: null }),
    }, [
      make("span", { class: "number", text: id + 1 }), meter, make("span", { text: percent(share) }),
      make("span", { class: "detector", text: box.detector.toFixed(2) }),
    ]);
    return make("li", {}, [node]);
  }

  function light(state) {
    for (const node of cards.querySelectorAll(".row")) {
      node.toggleAttribute("data-lit", Number(node.dataset.id) === state.hovered);
      const mine = [...cards.children].indexOf(node.closest(".card")) === state.active;
      node.setAttribute("aria-pressed", String(mine && Number(node.dataset.id) === state.selected));
    }
  }

  room.on(["answer", "active", "score_min"], refresh);
  room.on(["hovered", "selected"], light);
  room.on(["busy"], (state) => root.toggleAttribute("data-busy", Boolean(state.busy) && !state.answer));
  watch("value", receive);
  receive();
}
