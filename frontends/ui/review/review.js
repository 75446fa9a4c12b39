// Labels that look wrong, worst first, each a press away from its picture; and how far another
// project, that of a second person, agrees.
//
// Room in: `sheet`, `project`. Out: `goto`, `run`.
function createReview({ element, props, server }) {
  const { room: openRoom, element: make, fill, percent, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  let found = [];
  let kind = "";
  let drawn = 0;
  const AT_ONCE = 10;

  const sheet = createSheet({ room, name: "review", id: props.layer, element, server, words, opened: load });
  find("other").setAttribute("aria-label", words.other);

  function visit(image, box) {
    sheet.close();
    room.set({ goto: { image, box } });
  }

  async function load() {
    find("list").replaceChildren();
    find("figures").replaceChildren();
    find("differences").replaceChildren();
    find("none").hidden = false;
    find("none").textContent = words.looking;
    find("unmeasured").hidden = true;
    const answer = await sheet.ask("find_suspicious");
    if (!answer) { find("none").hidden = true; return; }
    found = answer.found;
    kind = "";
    find("unmeasured").hidden = answer.unmeasured === 0;
    find("unmeasured-text").textContent = fill(words.unmeasured, { count: answer.unmeasured.toLocaleString("en") });
    find("other").replaceChildren(...answer.others.map(({ key, name }) => make("option", { value: key, text: name })));
    find("compare").hidden = answer.others.length === 0;
    render();
  }

  function render() {
    const counts = new Map();
    for (const one of found) counts.set(one.kind, (counts.get(one.kind) || 0) + 1);
    const chip = (value, text) => make("button", { type: "button", class: "kind", "aria-pressed": String(kind === value), text, onclick: () => { kind = value; render(); } });
    find("kinds").replaceChildren(...(found.length ? [chip("", fill(words.every, { count: found.length })), ...[...counts].map(([name, count]) => chip(name, fill(words.kind, { name: words.kinds[name], count })))] : []));
    const shown = found.filter((one) => !kind || one.kind === kind).slice(0, props.most);
    find("none").hidden = shown.length > 0;
    find("none").textContent = words.none;
    const thumbs = shown.map((one) => make("span", { class: "thumb", style: lookOf(one) }));
    find("list").replaceChildren(...shown.map((one, i) => make("li", {}, [
      make("button", { type: "button", class: "entry", onclick: () => visit(one.image, one.box) }, [
        thumbs[i],
        make("span", { class: "what", text: one.what }),
        make("span", { class: "where" }, [one.name, make("span", { class: "worst" }, [make("i", { style: `width: ${Math.round(one.severity * 100)}%` })])]),
      ]),
    ])));
    draw(shown, thumbs);
  }

  const lookOf = ({ url }) => (url ? `background-image: url("${url}")` : "");

  // Small pictures come after the list, some at a time, while it is looked at.
  async function draw(shown, thumbs) {
    const mine = (drawn += 1);
    for (let from = 0; from < shown.length; from += AT_ONCE) {
      const some = shown.slice(from, from + AT_ONCE);
      if (some.every((one) => one.url !== undefined)) continue;
      const answer = await sheet.ask("show_suspicious", { places: some.map(({ image, box }) => ({ image, box })) });
      if (!answer || mine !== drawn || !sheet.isOpen()) return;
      some.forEach((one, i) => { one.url = answer.urls[i]; thumbs[from + i].style.cssText = lookOf(one); });
    }
  }

  find("look").addEventListener("click", async () => {
    const run = await sheet.ask("start_measuring");
    if (run) { room.set({ run: { ...run, running: true } }); sheet.close(); }
  });

  find("measure").addEventListener("click", async () => {
    const answer = await sheet.ask("compare_projects", { other: find("other").value });
    if (!answer) return;
    const share = (value) => (value === null ? words.unknown : percent(value));
    const told = [["images", answer.images], ["f1", share(answer.f1)], ["mean_iou", share(answer.mean_iou)], ["class_kappa", answer.class_kappa === null ? words.unknown : answer.class_kappa.toFixed(2)], ["caption_ratio", share(answer.caption_ratio)]];
    find("figures").replaceChildren(...told.map(([name, value]) => make("div", {}, [make("dt", { text: words.figures[name] }), make("dd", { text: String(value) })])));
    find("differences").replaceChildren(...answer.differences.map((one) => make("li", {}, [
      make("button", { type: "button", class: "entry", onclick: () => visit(one.image) }, [
        make("span", { class: "thumb", style: one.url ? `background-image: url("${one.url}")` : "" }),
        make("span", { class: "what", text: fill(words.differs, one) }),
        make("span", { class: "where", text: one.name }),
      ]),
    ])));
  });
}
