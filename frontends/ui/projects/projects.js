// Where one begins: the projects that are there, and a new one.
//
// Value in: {projects, where, visit}. Room in: `wished` {project, image}. Out: `project`, `run`,
// `visit`, `who`.
function createProjects({ element, props, server, watch }) {
  const { room: openRoom, element: make, svg, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  let deleted = null;

  for (const [name, text] of [["title", words.title], ["new-title", words.new_title], ["new-lead", words.new_lead], ["name-label", words.name], ["classes-label", words.classes], ["create", words.create], ["example", words.example], ["who-label", words.who], ["undo-button", words.undo]]) find(name).textContent = text;
  find("classes").placeholder = words.classes_hint;
  find("name").placeholder = words.name_hint;

  function notice(message) {
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
  }

  // The name that is written into the history; kept in this browser.
  const remember = (kind, name, value) => { try { window[kind].setItem(name, value); } catch (error) { /* a browser without storage forgets it */ } };
  const recall = (kind, name) => { try { return window[kind].getItem(name); } catch (error) { return null; } };
  // Who gives none still is somebody of his own: undo takes back what the same name did.
  const guest = recall("localStorage", "spotter-guest") || fill(words.guest, { number: String(crypto.getRandomValues(new Uint32Array(1))[0] % 1e6).padStart(6, "0") });
  remember("localStorage", "spotter-guest", guest);
  find("who").placeholder = guest;
  find("who").value = recall("localStorage", "spotter-who") || "";
  const name = () => find("who").value.trim();
  room.set({ who: name() || guest });
  find("who").addEventListener("input", () => { room.set({ who: name() || guest }); remember("localStorage", "spotter-who", name()); });

  // Who is faster than the first answer waits for it.
  const entered = new Promise((go) => room.on(["visit"], go));

  async function ask(name, wish = {}) {
    notice("");
    await entered;
    try {
      const answer = await server[name]({ visit: room.state.visit, ...wish });
      if (answer.error) { notice(answer.error); return null; }
      if (answer.projects) show(answer);
      return answer;
    } catch (error) {
      notice(String(error.message || error));
      return null;
    }
  }

  // Where one wished to go last; answers may come in another order.
  let wishes = 0;

  async function open(key) {
    const mine = (wishes += 1);
    const answer = await ask("open_project", { project: key });
    if (!answer || mine !== wishes) return;
    room.set({ project: answer.project, run: answer.run });
    remember("sessionStorage", "spotter-project", key);
    remember("localStorage", "spotter-last-project", key);
  }

  const pencil = () => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: "M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2z" })]);
  const cross = () => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: "M4 4l8 8M12 4l-8 8" })]);

  function item(project) {
    const share = project.images ? project.done / project.images : 0;
    return make("li", { class: "item" }, [
      make("button", { type: "button", class: "open", onclick: () => open(project.key) }, [
        make("span", { class: "item-name", text: project.name }),
        make("span", { class: "item-left", text: project.problem ? "" : project.images && project.done === project.images ? words.all_done : fill(words.done_of, { done: project.done.toLocaleString("en"), all: project.images.toLocaleString("en") }) }),
        project.problem ? make("span", { class: "item-count", text: project.problem }) : make("span", { class: "gauge" }, [make("i", { style: `width: ${share * 100}%` })]),
      ]),
      project.problem ? null : make("button", { type: "button", class: "act", title: words.rename, "aria-label": fill(words.rename_name, project), onclick: (event) => rename(project, event.currentTarget.parentElement) }, [pencil()]),
      make("button", { type: "button", class: "act", title: words.remove, "aria-label": fill(words.remove_name, project), onclick: () => remove(project) }, [cross()]),
    ].filter(Boolean));
  }

  // The name becomes a field; Enter keeps what is in it, Escape and leaving it do not.
  function rename(project, place) {
    const field = make("input", { class: "rename", type: "text", maxlength: 80, value: project.name, "aria-label": fill(words.rename_name, project) });
    const form = make("form", { class: "renaming" }, [field]);
    const back = () => form.replaceWith(...kept);
    const kept = [...place.children];
    form.addEventListener("submit", (event) => { event.preventDefault(); field.onblur = null; ask("rename_project", { project: project.key, name: field.value }).then((answer) => answer || back()); });
    field.addEventListener("keydown", (event) => { if (event.key === "Escape") field.blur(); });
    field.onblur = back;
    place.replaceChildren(form);
    field.focus();
    field.select();
  }

  async function remove(project) {
    const answer = await ask("delete_project", { project: project.key });
    if (!answer) return;
    deleted = answer.deleted;
    find("undo-text").textContent = fill(words.removed, project);
    find("undo").hidden = false;
    find("lists").hidden = false;
  }

  function aside(project) {
    return make("li", {}, [
      make("span", { class: "deleted-name", text: project.name }),
      make("button", { type: "button", class: "link", "aria-label": fill(words.restore_name, project), text: words.restore, onclick: () => restore(project.aside) }),
    ]);
  }

  async function restore(name) {
    if (!(await ask("restore_project", { project: name })) || name !== deleted) return;
    deleted = null;
    find("undo").hidden = true;
  }

  function show({ projects, where, trash = [] }) {
    find("lists").hidden = projects.length === 0 && trash.length === 0;
    find("list").replaceChildren(...projects.map(item));
    find("deleted").hidden = trash.length === 0;
    find("deleted-title").textContent = fill(words.deleted, { count: trash.length });
    find("deleted-list").replaceChildren(...trash.map(aside));
    if (where !== undefined) find("where").textContent = where;
  }

  async function create(wish) {
    const mine = (wishes += 1);
    const answer = await ask("create_project", wish);
    if (!answer) return;
    // The next new one is another one.
    for (const field of ["name", "classes"]) find(field).value = "";
    if (mine === wishes) open(answer.key);
  }
  find("new").addEventListener("submit", (event) => {
    event.preventDefault();
    create({ name: find("name").value, classes: find("classes").value });
  });
  find("example").addEventListener("click", () => create({ example: true }));
  find("undo-button").addEventListener("click", () => restore(deleted));

  room.on(["project"], ({ project }) => {
    document.documentElement.toggleAttribute("data-project", Boolean(project));
    if (project) return;
    remember("sessionStorage", "spotter-project", "");
    // The list of before may be in another order: nobody shall press what moves away.
    element.firstElementChild.toggleAttribute("data-stale", true);
    ask("list_projects").then(() => element.firstElementChild.toggleAttribute("data-stale", false));
  });

  // What another tab put into a project changes the list.
  openRoom("page").on(["tab"], ({ tab }) => {
    if (tab === "annotate" && room.state.visit && !room.state.project) ask("list_projects");
  });

  // Another tab has put a picture into a project.
  room.on(["wished"], async ({ wished }) => {
    if ((room.state.project || {}).key !== wished.project) await open(wished.project);
    if ((room.state.project || {}).key === wished.project) room.set({ goto: { image: wished.image } });
  });

  // Who reloads the page goes on where he was.
  watch("value", () => {
    if (!props.value) return;
    room.set({ visit: props.value.visit });
    show(props.value);
    const last = recall("sessionStorage", "spotter-project");
    if (!room.state.project && props.value.projects.some((project) => project.key === last)) open(last);
  });
}
