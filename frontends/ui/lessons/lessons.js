// Training on this project: runs with their curves, figures before and after, and which model is used.
//
// Room in: `sheet`, `project`. Runs go on without the page; while the sheet is open it asks how far.
function createLessons({ element, props, server }) {
  const { room: openRoom, element: make, svg, fill, duration, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const POLL_MS = 1500;
  const SMOOTH = 0.12;
  let polling = 0;

  const sheet = createSheet({ room, name: "lessons", id: props.layer, element, server, words, opened: load });

  async function ask(name, wish) {
    const answer = await sheet.ask(name, wish);
    if (answer) show(answer);
  }

  function load() {
    clearTimeout(polling);
    if (!sheet.isOpen()) return;
    ask("list_lessons");
  }

  // The loss, raw and smoothed, over the minutes.
  function curve(points) {
    if (points.length < 2) return [];
    const [width, height] = [600, 120];
    const top = Math.max(...points.map(([, loss]) => loss)) || 1;
    const end = points[points.length - 1][0] || 1;
    const place = ([time, loss]) => `${((time / end) * width).toFixed(1)},${(height - (loss / top) * (height - 6)).toFixed(1)}`;
    let mean = points[0][1];
    const smooth = points.map(([time, loss]) => { mean += SMOOTH * (loss - mean); return [time, mean]; });
    const path = (name, dots) => svg("path", { class: name, d: `M${dots.map(place).join("L")}` });
    return [
      svg("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": fill(words.curve, { from: smooth[0][1].toFixed(2), to: mean.toFixed(2) }) }, [
        svg("path", { class: "axis", d: `M0,${height}H${width}` }), path("raw", points), path("mean", smooth),
      ]),
      make("div", { class: "axis-words" }, [make("span", { text: fill(words.loss, { value: mean.toFixed(2) }) }), make("span", { text: duration(end, words) })]),
    ];
  }

  function figures({ before, after }) {
    if (!before || !after) return null;
    const rows = Object.entries(words.figures).filter(([name]) => typeof before[name] === "number" && typeof after[name] === "number");
    return make("table", {}, [
      make("thead", {}, [make("tr", {}, [words.held_out, words.before, words.after, ""].map((text) => make("th", { text })))]),
      make("tbody", {}, rows.map(([name, text]) => make("tr", {}, [
        make("th", { text }), make("td", { text: before[name].toFixed(2) }), make("td", { text: after[name].toFixed(2) }),
        make("td", { class: "gain", text: `${after[name] >= before[name] ? "+" : "−"}${Math.abs(after[name] - before[name]).toFixed(2)}` }),
      ]))),
    ]);
  }

  function act(text, name, run) {
    return make("button", { type: "button", class: "quiet", text, onclick: () => ask(name, { run: run.id }) });
  }

  function runNode(run) {
    const going = run.state === "running";
    const acts = [
      going ? act(words.stop, "stop_lesson", run) : null,
      ["stopped", "failed"].includes(run.state) ? act(words.resume, "resume_lesson", run) : null,
      run.state === "finished" && !run.used ? act(words.use, "use_lesson", run) : null,
    ];
    const node = make("section", { class: "run", "data-state": run.state }, [
      make("div", { class: "run-head" }, [
        make("span", { class: "run-name", text: run.id }),
        make("span", { class: "run-state", text: going ? run.phase : words.states[run.state] }),
        going && run.left_s ? make("span", { class: "run-left", text: fill(words.left, { time: duration(run.left_s, words) }) }) : null,
        run.used ? make("span", { class: "used", text: words.used }) : null,
        make("span", { class: "run-acts" }, acts),
      ]),
      going ? make("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": Math.round(run.progress * 100) }, [make("i", { style: `width: ${run.progress * 100}%` })]) : null,
      run.message ? make("p", { class: "message", text: run.message }) : null,
      ...curve(run.curve),
      figures(run.metrics),
    ]);
    return node;
  }

  function show({ runs, can_go_back, lacking }) {
    find("runs").replaceChildren(...runs.map(runNode));
    find("back").hidden = !can_go_back;
    const going = runs.some((run) => run.state === "running");
    find("go").disabled = going || Boolean(lacking);
    find("lacking").hidden = !lacking;
    find("lacking").textContent = lacking || "";
    clearTimeout(polling);
    if (going && sheet.isOpen()) polling = setTimeout(load, POLL_MS);
  }

  find("start").addEventListener("submit", (event) => {
    event.preventDefault();
    ask("start_lesson", { minutes: Number(find("minutes").value) });
  });
  find("back").addEventListener("click", () => ask("leave_lesson"));
}
