// What the models shall look for, and the start of their run over the project.
//
// Room in: `sheet`, `project`, `progress`. Out: `run`.
function createPrelabel({ element, props, server }) {
  const { room: openRoom, element: make, fill, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  // The first two need nothing from the person, and are what the command does by default.
  const MODES = ["given", "vocabulary", "captions", "boxes"];
  let mode = "vocabulary";

  const sheet = createSheet({ room, name: "prelabel", id: props.layer, element, server, words, opened: show });
  find("captions").placeholder = words.captions_hint;
  find("joint").checked = true;
  const tellScore = () => { find("score-value").textContent = Number(find("score").value).toFixed(2); };
  let isScoreSet = false;
  find("score").addEventListener("input", () => { isScoreSet = true; tellScore(); });
  find("modes").setAttribute("aria-label", words.mode);
  find("modes").append(...MODES.map((name) => make("button", { type: "button", role: "radio", class: "mode", "data-mode": name, text: words.modes[name], onclick: () => choose(name) })));

  function choose(name) {
    mode = name;
    for (const node of element.querySelectorAll(".mode")) node.setAttribute("aria-checked", String(node.dataset.mode === name));
    find("mode-captions").hidden = name !== "captions";
    const { project, progress } = room.state;
    const given = project ? project.given : 0;
    const isAll = name === "given" && progress && given >= progress.total;
    find("mode-vocabulary").hidden = isAll || !["vocabulary", "given"].includes(name);
    find("lead").textContent = fill(words.leads[isAll ? "given_all" : name], { count: given });
    // What is known to be there is looked for among all that could be an object.
    if (!isScoreSet) find("score").value = isAll ? props.given_score_min : props.score_min;
    tellScore();
  }

  const listOf = (name) => find(name).value.split(/[,\n]/).map((word) => word.trim()).filter(Boolean);
  function count() {
    find("count").textContent = fill(words.count, { count: listOf("types").length * Math.max(1, listOf("colors").length) });
  }

  function show() {
    const { project } = room.state;
    const { vocabulary } = project;
    if (!find("captions").value) find("captions").value = project.captions.join("\n");
    find("types").value = vocabulary.types.join(", ");
    find("colors").value = vocabulary.colors.join(", ");
    element.querySelector('[data-mode="given"]').hidden = !project.given;
    choose(project.given ? "given" : project.captions.length ? "captions" : "vocabulary");
    count();
    if (mode === "captions") find("captions").focus();
    tellReplaced();
  }

  // What a run takes the place of, before it is begun.
  async function tellReplaced() {
    find("replaced").hidden = true;
    const answer = await sheet.ask("describe_project");
    const count = answer ? answer.untouched : 0;
    find("replaced").textContent = fill(count === 1 ? words.replaced_one : words.replaced, { count: count.toLocaleString("en") });
    find("replaced").hidden = !count;
  }

  element.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    find("go").disabled = true;
    const run = await sheet.ask("start_looking", {
      mode, captions: find("captions").value, types: find("types").value, colors: find("colors").value,
      joint: find("joint").checked, others: find("others").checked, score_min: Number(find("score").value),
    });
    find("go").disabled = false;
    if (run) { room.set({ run: { ...run, running: true } }); sheet.close(); }
  });
  for (const name of ["types", "colors"]) find(name).addEventListener("input", count);
  find("captions").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.querySelector("form").requestSubmit(); });
  room.on(["opened"], () => { find("captions").value = ""; });
  choose(mode);
}
