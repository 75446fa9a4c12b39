// The head of an open project: how far it is, what runs, and the ways to everything else. Pictures
// and data sets come in here: chosen, or dropped anywhere on the tab.
//
// Room in: `project`, `queue`, `at`, `picture`, `progress`, `saving`, `notice`, `run`. Out: `run`, `sheet`,
// `project`, `command`, `only` and `queue_again`.
function createBench({ element, props, upload, server }) {
  const { room: openRoom, element: make, fill, duration } = window.spotter;
  const room = openRoom(props.room);
  const page = openRoom("page");
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const POLL_MS = 400;
  const AT_ONCE = 4;
  const CALM_MS = 6000;
  const SHEETS = ["prelabel", "review", "outlet", "lessons", "help"];
  let polling = 0;
  let running = false;
  let worked = false;  // something was changed, or another picture opened, since the run began
  let opened = null;
  const untold = new Set();  // projects that were left while something ran
  const FIRST = () => ({ only: "", sought: "", queue_again: { to: "doubtful" } });

  for (const name of ["import", "stop", "prelabel", "review", "outlet", "lessons"]) find(name).textContent = words[name];
  find("back").setAttribute("aria-label", words.back);
  find("help").setAttribute("aria-label", words.help);
  find("said-close").textContent = "×";
  find("said-close").setAttribute("aria-label", words.close);

  // On a small screen all this, the filmstrip and the filters are folded away until they are wanted.
  function unfold(on) {
    document.documentElement.toggleAttribute("data-more", on);
    find("more").setAttribute("aria-expanded", String(on));
    if (on) room.set({ selected: null });  // its card takes the room
  }
  find("more").setAttribute("aria-label", words.more);
  find("more").addEventListener("click", () => unfold(!document.documentElement.hasAttribute("data-more")));
  for (const name of SHEETS) {
    find(name).addEventListener("click", (event) => {
      // Who pressed it with the mouse goes on with keys of the picture: Enter opens it not again.
      if (event.detail) find(name).blur();
      room.set({ sheet: { name } });
    });
  }
  find("back").addEventListener("click", () => { room.set({ project: null, run: null }); say(""); });
  // Who asked about a project may be elsewhere when the answer comes.
  const isOpen = (key) => (room.state.project || {}).key === key;
  find("import").addEventListener("click", () => find("file").click());

  // What is told goes with the next action, what only tells that something is done by itself, but for
  // how a run or the list ended (`stays`); what went wrong stays until it is closed, or a sheet is opened.
  let leaving = 0;
  let told = 0;
  let seen = 0;  // what was told when the pointer went down
  let lasting = false;
  function say(message, { bad = false, stays = false, link = null, act = null, refused = [] } = {}) {
    clearTimeout(leaving);
    told += 1;
    lasting = bad;
    if (message && !bad && !stays && !link && (!act || act.brief) && refused.length === 0) leaving = setTimeout(() => say(""), CALM_MS);
    find("said").hidden = !message;
    find("said-text").textContent = message || "";
    find("said").toggleAttribute("data-bad", bad);
    find("said-link").hidden = !link;
    if (link) {
      find("said-link").textContent = link.text;
      find("said-link").href = link.url;
      find("said-link").toggleAttribute("download", Boolean(link.download));
      if (!link.download) find("said-link").target = "_blank";
    }
    find("said-act").hidden = !act;
    find("said-act").textContent = act ? act.text : "";
    find("said-act").onclick = act ? () => { say(""); act.go(); } : null;
    find("refused").hidden = refused.length === 0;
    find("refused").replaceChildren(...refused.map((line) => make("li", { text: line })));
  }
  find("said-close").addEventListener("click", () => say(""));
  const passes = (event) => { if (!lasting && page.state.tab === "annotate" && !find("said").hidden && !find("said").contains(event.target)) say(""); };
  const STILL = ["Tab", "Shift", "Control", "Alt", "Meta"];  // ways to the message, and halves of keys
  document.addEventListener("keydown", (event) => { if (!STILL.includes(event.key)) passes(event); }, true);
  document.addEventListener("pointerdown", () => { seen = told; }, true);
  document.addEventListener("click", (event) => { if (seen === told) passes(event); }, true);
  room.on(["sheet"], ({ sheet }) => { if (sheet) { say(""); unfold(false); } });

  // ---------------------------------------------------------------- how far it is

  function tellProgress() {
    const { progress } = room.state;
    const total = progress ? progress.total : 0;
    const share = total ? progress.done / total : 0;
    find("progress").firstElementChild.style.width = `${share * 100}%`;
    find("progress").setAttribute("aria-valuenow", Math.round(share * 100));
    const pace = progress && progress.seconds_per_image
      ? fill(words.pace, { each: duration(progress.seconds_per_image, words), left: duration(progress.left_s, words) }) : "";
    const done = total ? fill(words.done_of, { done: progress.done.toLocaleString("en"), all: total.toLocaleString("en") }) : "";
    // What was put off is no work that lies ahead, but what is left of it.
    const { new: fresh = 0, proposed = 0, skipped = 0 } = (progress && progress.images) || {};
    const later = skipped ? fill(words.later, { count: skipped.toLocaleString("en") }) : "";
    const ahead = fresh + proposed > 0;
    find("count").textContent = [done, ahead ? "" : later].filter(Boolean).join(" · ");
    find("each").textContent = ahead && pace ? ` · ${pace}` : "";
  }

  function tellSaving() {
    const { saving } = room.state;
    find("saving").dataset.state = saving ? saving.state : "";
    find("saving").textContent = saving ? words[saving.state] : "";
    find("saving").title = (saving && saving.why) || "";
  }

  // ---------------------------------------------------------------- runs

  // A run that was begun is followed until an answer says that it is over, however short it is.
  function tellRun() {
    const { run } = room.state;
    const now = Boolean(run && run.running);
    if (now && !running) worked = false;
    find("run").hidden = !now;
    for (const name of ["import", "prelabel", "outlet", "lessons"]) find(name).disabled = now;
    if (now) {
      find("bar").firstElementChild.style.width = `${run.total ? (run.done / run.total) * 100 : 3}%`;
      find("bar").setAttribute("aria-valuenow", run.total ? Math.round((run.done / run.total) * 100) : 0);
      find("doing").textContent = fill(run.total ? words[`run_${run.state}`] : words[`run_${run.state}_first`] || words.run_waiting, run);
      find("left").textContent = run.left_s ? fill(words.left, { time: duration(run.left_s, words) }) : "";
      clearTimeout(polling);
      polling = setTimeout(poll, POLL_MS);
    } else if (running && run) finish(run);
    running = now;
  }

  async function poll() {
    const { project } = room.state;
    if (!project) return;
    try {
      const run = await server.run_state({ visit: room.state.visit, project: project.key });
      if (isOpen(project.key)) room.set({ run });
    } catch (error) { polling = setTimeout(poll, 4 * POLL_MS); }
  }

  async function finish(run) {
    // Proposals are there to be looked at. Who was at work meanwhile is not led away from it.
    const act = run.to_review && worked ? { text: words.to_review, go: () => room.set(FIRST()) } : null;
    if (run.state === "failed") say(run.error, { bad: true });
    else say(run.said, { stays: true, link: run.link, act, refused: [...unsent, ...(run.refused || [])] });
    unsent = [];
    // What a run changed in the project: its types, captions, pipeline.
    const { key } = room.state.project;
    const answer = await server.describe_project({ visit: room.state.visit, project: key }).catch(() => null);
    if (!isOpen(key)) return;
    if (answer && answer.project) room.set({ project: answer.project });
    if (run.to_review && !worked) room.set(FIRST());
    else if (!run.link) room.set({ queue_again: {} });  // what went out has changed no picture
  }

  find("stop").addEventListener("click", async () => {
    const { key } = room.state.project;
    find("stop").disabled = true;
    try {
      const run = await server.stop_run({ visit: room.state.visit, project: key });
      if (isOpen(key)) room.set({ run });
    } catch (error) { say(String(error.message || error), { bad: true }); }
    find("stop").disabled = false;
  });

  // ---------------------------------------------------------------- pictures come in

  let unsent = [];  // what of the files of the run did not come here

  async function receive(files) {
    const { project, run } = room.state;
    if (!project || files.length === 0) return;
    if (run && run.running) { say(words.one_by_one, { bad: true }); return; }
    const mb = (bytes) => (bytes / 1e6).toFixed(0);
    const limitOf = ({ name }) => {
      if (/\.zip$/i.test(name)) return props.archive_max_bytes;
      const ending = name.toLowerCase().match(/\.[^.]*$/)?.[0];
      return props.labels_max_bytes[ending] ?? props.upload_max_bytes;
    };
    const large = files.filter((file) => file.size > limitOf(file));
    const refused = large.map((file) => fill(words.too_large, { name: file.name, size: mb(file.size), limit: mb(limitOf(file)) }));
    const queue = files.filter((file) => !large.includes(file) && !file.name.startsWith("."));
    const all = queue.length;
    const sent = [];
    const work = async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        say(fill(words.sending, { done: sent.length + 1, all }));
        try { const { path } = await upload(file); sent.push({ path, name: file.place || file.webkitRelativePath || file.name }); }
        catch (error) { refused.push(fill(words.not_sent, { name: file.name })); }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    say("", {});
    if (refused.length) say(words.some_refused, { bad: true, refused });
    if (sent.length === 0) return;
    unsent = refused;
    try {
      const answer = await server.import_files({ visit: room.state.visit, project: project.key, files: sent });
      if (answer.error) say(answer.error, { bad: true });
      else if (isOpen(project.key)) room.set({ run: { ...answer, running: true } });
    } catch (error) { say(String(error.message || error), { bad: true }); }
  }

  for (const name of ["file", "folder"]) {
    find(name).addEventListener("change", () => { const files = [...find(name).files]; find(name).value = ""; receive(files); });
  }

  // A dropped folder is read to its end.
  async function filesOf(entry) {
    if (entry.isFile) {
      const file = await new Promise((go, fail) => entry.file(go, fail));
      file.place = entry.fullPath.slice(1);
      return [file];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((go, fail) => reader.readEntries(go, fail));
      if (some.length === 0) break;
      for (const inner of some) found.push(...await filesOf(inner));
    }
    return found;
  }

  const isHere = () => page.state.tab === "annotate" && room.state.project;
  document.addEventListener("dragover", (event) => {
    if (!isHere() || ![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    document.documentElement.toggleAttribute("data-dropping", true);
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.documentElement.removeAttribute("data-dropping"); });
  document.addEventListener("drop", async (event) => {
    document.documentElement.removeAttribute("data-dropping");
    if (!isHere()) return;
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    const files = entries.length ? (await Promise.all(entries.map(filesOf))).flat() : [...event.dataTransfer.files];
    receive(files);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData ? event.clipboardData.files : [])];
    if (isHere() && files.length) { event.preventDefault(); receive(files); }
  });

  room.on(["project"], ({ project }) => {
    find("name").textContent = project ? project.name : "";
    const key = project ? project.key : null;
    if (key === opened) return;
    unfold(false);
    // Who comes back is told how what ran has ended.
    if (running) untold.add(opened);
    running = untold.delete(key);
    opened = key;
  });
  // How high the picture can use the screen's width.
  room.on(["picture"], ({ picture }) => { if (picture) document.documentElement.style.setProperty("--picture-ratio", picture.wh[0] / picture.wh[1]); });
  room.on(["progress"], tellProgress);
  room.on(["saving"], tellSaving);
  room.on(["run"], tellRun);
  room.on(["saving", "at"], () => { worked = true; });
  // A notice that goes takes no other message along, such as the file that was just made.
  let noticed = "";
  room.on(["notice"], ({ notice }) => {
    const act = notice && notice.act ? { ...notice.act, go: () => room.set({ command: { name: notice.act.command, args: notice.act.args } }) } : null;
    if (notice) say(notice.message, { bad: !notice.calm, stays: notice.stays, act });
    else if (find("said-text").textContent === noticed) say("");
    noticed = notice ? notice.message : "";
  });

  // A project without pictures says how they come in.
  for (const [name, text] of Object.entries(words.invite)) find(name).textContent = text;
  find("choose-files").addEventListener("click", () => find("file").click());
  find("choose-folder").addEventListener("click", () => find("folder").click());
  room.on(["queue", "progress", "run"], ({ project, queue, progress, run }) => {
    const empty = Boolean(project && queue && progress && progress.total === 0 && !progress.removed);
    document.documentElement.toggleAttribute("data-empty", empty);
    const coming = Boolean(run && run.running);
    find("coming").hidden = !empty || !coming;
    find("invite").hidden = !empty || coming;
  });
}
