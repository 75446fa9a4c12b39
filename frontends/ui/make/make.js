// The wish for a data set: how many, how large, in which format; then progress, time left and Stop.
//
// A stopped run goes on where the same things are wished for; the button says so.
//
// Room in: `visit`, `settings`, `cutouts_use`, `backgrounds_use`, `scene_s`. Out: `seed`, `shares` (of
// train, val and test), `settings` (the size), `made` (a new object for each finished data set),
// `run` (the state of the run).
function createMake({ element, props, server }) {
  const { room: openRoom, element: make, fill, duration } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const root = element.querySelector(".make");
  const find = (name) => element.querySelector(`.${name}`);
  const POLL_MS = 400;
  const BYTES_OF_PIXEL = 0.17;

  for (const name of ["count", "size", "format", "classes", "shares", "seed"]) find(`label-${name}`).textContent = words[name];
  find("stop").textContent = words.stop;
  find("dice").setAttribute("aria-label", words.dice);
  find("dice").title = words.dice;
  find("count").max = props.most;
  find("format").append(...props.formats.map(([value, label]) => make("option", { value, text: label })));
  find("classes").append(make("option", { value: "single", text: words.single }), make("option", { value: "types", text: words.types }));

  // Without any for training there is nothing to draw.
  const shares = window.spotter.shares({
    place: find("shares"), values: props.shares, splits: props.splits, words,
    changed: () => { if (shares.trains()) room.set({ shares: shares.values() }); showWish(); },
  });

  const count = () => Math.max(Math.round(Number(find("count").value)) || 0, 0);
  const nameOf = ([width, height]) => `${width} × ${height}`;

  function showSize() {
    const now = (room.state.settings || {}).canvas_wh;
    if (!now) return;
    const known = props.sizes.some((wh) => nameOf(wh) === nameOf(now));
    const sizes = known ? props.sizes : [now, ...props.sizes];
    find("size").replaceChildren(...sizes.map((wh) => make("option", { value: JSON.stringify(wh), text: nameOf(wh) })));
    find("size").value = JSON.stringify(sizes.find((wh) => nameOf(wh) === nameOf(now)));
  }

  // All that names a data set but its count: with more pictures it is the same one.
  function wish() {
    const { visit, settings, cutouts_use, backgrounds_use, seed, shares: parts } = room.state;
    return {
      visit, settings, cutouts: cutouts_use, backgrounds: backgrounds_use, seed: seed ?? 0, shares: parts,
      format: find("format").value, single_class: find("classes").value === "single",
    };
  }

  let begun = ""; // the wish of the last run
  let asked = 0; // and its count
  let halted = null; // the last run, where it was stopped
  let finished = null; // {wished, total} of the data set below
  let before = null; // the one that the present run continues
  let wrong = false; // what is said is an error, and stays

  const same = () => JSON.stringify(wish()) === begun;
  const goesOn = () => Boolean(halted && halted.done && count() >= halted.total && same());

  function sayHalted() {
    if (!halted || wrong) return;
    const say = !halted.done ? "stopped_none" : goesOn() ? "stopped" : "stopped_other";
    notice(fill(words[say], { done: halted.done, all: halted.total }), true);
  }

  function showWish() {
    const all = count();
    const n = goesOn() ? all - halted.done : all;
    const [width, height] = (room.state.settings || {}).canvas_wh || [0, 0];
    const say = goesOn() ? words.go_on : all === 1 ? words.go_one : words.go;
    find("go").textContent = fill(say, { count: all.toLocaleString("en"), done: halted ? halted.done : 0 });
    sayHalted();
    const untrained = !shares.trains();
    find("go").disabled = all === 0 || all > props.most || untrained || !room.state.visit;
    if (untrained) { find("estimate").textContent = words.no_train; return; }
    if (all > props.most) { find("estimate").textContent = fill(words.most, { count: props.most.toLocaleString("en") }); return; }
    const megabytes = all * width * height * BYTES_OF_PIXEL / 1e6;
    const size = fill(words.megabytes, { value: megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes) });
    const seconds = n * (room.state.scene_s || 0);
    const estimate = room.state.scene_s ? fill(words.estimate, { time: duration(seconds, words), size }) : "";
    // With another count a finished data set grows, or is begun anew, where it lies.
    const changes = finished && !goesOn() && finished.total !== all && JSON.stringify(wish()) === finished.wished;
    find("estimate").textContent = [estimate, changes ? words.changes : ""].filter(Boolean).join(". ");
  }

  function notice(message, calm) {
    wrong = Boolean(message && !calm);
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
    find("notice").toggleAttribute("data-calm", Boolean(calm));
  }

  const RUNNING = ["waiting", "drawing", "packing"];
  let polling = 0;
  let stopping = false;

  function showStop(is) {
    stopping = is;
    find("stop").disabled = is;
    find("stop").textContent = is ? words.stopping : words.stop;
  }

  function show(run) {
    if (run.made === false) finished = null;
    const running = RUNNING.includes(run.state);
    root.toggleAttribute("data-running", running);
    find("running").hidden = !running;
    room.set({ run });
    if (running) {
      const share = run.total ? run.done / run.total : 0;
      find("bar").firstElementChild.style.width = `${share * 100}%`;
      find("bar").setAttribute("aria-valuenow", Math.round(share * 100));
      find("doing").textContent = run.state === "drawing" ? fill(words.drawing, { done: run.done, all: run.total }) : words[run.state];
      find("left").textContent = run.left_s === null ? "" : fill(words.left, { time: duration(run.left_s, words) });
      clearTimeout(polling);
      polling = setTimeout(poll, POLL_MS);
      return;
    }
    showStop(false);
    if (run.state === "done") finished = { wished: begun, total: asked };
    // One that was stopped while it waited for others has begun nothing.
    if (run.state === "stopped") halted = run.total ? run : before || run;
    if (run.state === "failed") notice(run.error);
    showWish();
    if (run.state === "done") room.set({ made: {} });
  }

  async function poll() {
    try {
      show(await server.progress({ visit: room.state.visit }));
    } catch (error) {
      // One lost answer is no lost run.
      polling = setTimeout(poll, 4 * POLL_MS);
    }
  }

  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (find("go").disabled) return;
    notice("");
    const wished = wish();
    try {
      const all = count();
      const run = await server.start({ ...wished, count: all });
      if (RUNNING.includes(run.state)) {
        before = JSON.stringify(wished) === begun ? halted : null;
        begun = JSON.stringify(wished);
        asked = all;
        halted = null;
      }
      show(run);
      if (root.hasAttribute("data-running")) find("stop").focus({ preventScroll: true });
    } catch (error) {
      notice(String(error.message || error));
    }
  });
  find("stop").addEventListener("click", async () => {
    if (stopping) return;
    showStop(true);
    try {
      show(await server.stop({ visit: room.state.visit }));
    } catch (error) {
      showStop(false);
      notice(String(error.message || error));
    }
  });

  function seed(value) { find("seed").value = value; room.set({ seed: value }); }
  find("seed").addEventListener("change", () => seed(Math.min(Math.max(Math.round(Number(find("seed").value)) || 0, 0), 2 ** 31 - 1)));
  find("dice").addEventListener("click", () => seed(Math.floor(Math.random() * 100000)));
  find("count").addEventListener("input", showWish);
  find("count").addEventListener("change", () => { find("count").value = Math.max(1, count()); showWish(); });
  find("size").addEventListener("change", () => room.set({ settings: { ...room.state.settings, canvas_wh: JSON.parse(find("size").value) } }));
  room.on(["settings"], () => { showSize(); showWish(); });
  for (const name of ["format", "classes"]) find(name).addEventListener("change", showWish);
  room.on(["scene_s", "visit", "seed", "cutouts_use", "backgrounds_use"], showWish);
  room.set({ seed: 0, shares: props.shares });
  showSize();
  showWish();
}
