// How the project leaves: as a file in a chosen format, or to Hugging Face.
//
// Room in: `sheet`, `project`, `progress`, `run` (what was made last). Out: `run`.
function createOutlet({ element, props, server }) {
  const { room: openRoom, element: make, fill, sheet: createSheet } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const chosen = { format: props.formats[0][0], what: "confirmed" };

  const shares = window.spotter.shares({ place: find("shares"), values: props.shares, splits: props.splits, words });

  const sheet = createSheet({ room, name: "outlet", id: props.layer, element, server, words, opened: show });
  find("repo").placeholder = words.repo_hint;
  find("token-field").hidden = props.signed_in;
  find("private").checked = true;
  find("formats").setAttribute("aria-label", words.format);
  find("modes").setAttribute("aria-label", words.what);

  find("formats").append(...props.formats.map(([value, name, does]) => make("button", { type: "button", role: "radio", class: "format", "data-value": value, onclick: () => choose("format", value) }, [make("b", { text: name }), make("span", { text: does })])));
  find("modes").append(...["confirmed", "all"].map((value) => make("button", { type: "button", role: "radio", class: "mode", "data-value": value, onclick: () => choose("what", value) })));

  function choose(name, value) {
    chosen[name] = value;
    const group = name === "format" ? "formats" : "modes";
    for (const node of find(group).children) node.setAttribute("aria-checked", String(node.dataset.value === value));
    find("modes").hidden = chosen.format === "project";
    find("parts").hidden = props.whole.includes(chosen.format);
  }

  let made = null;  // {key, link}: what came of the last export, and of which project
  room.on(["run"], ({ run, project }) => { if (run && run.link && project) made = { key: project.key, link: run.link }; });

  function show() {
    const { progress, project } = room.state;
    const link = made && made.key === project.key ? made.link : null;
    find("made").hidden = !link;
    if (link) {
      find("made-link").textContent = link.text;
      find("made-link").href = link.url;
      find("made-link").toggleAttribute("download", Boolean(link.download));
      find("made-link").target = link.download ? "" : "_blank";
    }
    const [confirmed, all] = find("modes").children;
    const total = progress ? progress.total : 0;
    confirmed.textContent = fill(words.confirmed, { count: progress ? progress.done : 0 });
    all.textContent = fill(words.all, { count: total });
    if (progress && progress.done === 0) choose("what", "all");
  }

  async function start(more) {
    const run = await sheet.ask("start_outlet", { ...chosen, shares: shares.values(), ...more });
    if (!run) return;
    find("token").value = "";
    room.set({ run: { ...run, running: true } });
    sheet.close();
  }

  element.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); start({}); });
  find("send").addEventListener("click", () => {
    if (find("repo").value.trim()) start({ repo: find("repo").value, token: find("token").value, private: find("private").checked });
    else sheet.notice(words.no_repo);
  });
  choose("format", chosen.format);
  choose("what", chosen.what);
}
