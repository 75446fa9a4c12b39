// A wall of tiles in two groups, the visitor's own and ours. A click leaves a tile out or takes it
// in again. As soon as a visitor brings own ones, ours step aside until they are ticked.
//
// Value in: {ours, own}, tiles {name, url, caption, class_name, labelled}. Room out: `NAME_use`.
function createWall({ element, props, upload, server, watch }) {
  const { room: openRoom, element: make, svg, fill } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const find = (name) => element.querySelector(`.${name}`);
  const root = find("wall");
  const AT_ONCE = 4;
  const SHOWN_REFUSED = 20;
  const editable = props.name === "cutouts";
  const used = `${props.name}_use`;

  let tiles = { ours: [], own: [] };
  let off = new Set();
  let use = { ours: true, own: true };
  let editing = null;

  for (const [name, label] of [["title", words.title], ["add", words.add], ["hint", words.hint], ["drop", words.drop]]) find(name).textContent = label;
  root.toggleAttribute("data-plain", !editable);
  root.toggleAttribute("data-low", !editable);
  if (editable) {
    find("cut").hidden = false;
    find("cut").textContent = words.cut;
    find("cut").addEventListener("click", () => room.set({ cutter: true }));
    for (const [name, label] of [["edit-caption-name", words.caption], ["edit-class-name", words.class_name], ["edit-save", words.save], ["edit-cancel", words.cancel]]) find(name).textContent = label;
  }
  find("file").accept = editable ? "image/png,image/webp,.zip" : "image/*,.zip";

  const key = (group, name) => `${group}/${name}`;
  const isUsed = (group, tile) => use[group] && !off.has(key(group, tile.name));

  function say(lines) {
    find("notice").replaceChildren(...lines.map((line) => make("p", { text: line })));
    find("notice").hidden = lines.length === 0;
  }

  function tell() {
    const all = tiles.ours.length + tiles.own.length;
    const taken = ["ours", "own"].reduce((sum, group) => sum + tiles[group].filter((tile) => isUsed(group, tile)).length, 0);
    find("count").textContent = all ? fill(words.count, { used: taken, all }) : "";
    const names = (group) => [...tiles[group]].filter((tile) => off.has(key(group, tile.name))).map((tile) => tile.name);
    room.set({ [used]: { ours: use.ours, own: use.own, off_ours: names("ours"), off_own: names("own"), version: tiles.version || 0 } });
  }

  const cross = () => svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, [svg("path", { d: "M2.5 2.5l7 7M9.5 2.5l-7 7" })]);
  const pen = () => svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, [svg("path", { d: "M2 10l.6-2.6L8.2 1.8l2 2-5.6 5.6z" })]);

  function createTile(group, tile) {
    const said = tile.labelled === false ? fill(words.unlabelled, tile) : tile.caption;
    const pick = make("button", {
      type: "button", class: "pick", title: said, "aria-label": fill(words.use, { name: said }), "aria-pressed": String(isUsed(group, tile)),
      onclick: () => {
        const id = key(group, tile.name);
        if (off.has(id)) off.delete(id); else off.add(id);
        pick.setAttribute("aria-pressed", String(isUsed(group, tile)));
        tell();
      },
    }, [make("span", { class: "ground" }, [make("img", { src: tile.url, alt: "", loading: "lazy", decoding: "async" })]), make("span", { class: "name", text: said })]);
    if (group === "ours") return make("div", { class: "tile" }, [pick]);
    return make("div", { class: "tile" }, [
      pick,
      editable ? make("button", { type: "button", class: "act rename", "aria-label": fill(words.rename, { name: said }), title: words.caption, onclick: () => edit(tile) }, [pen()]) : null,
      make("button", { type: "button", class: "act remove", "aria-label": fill(words.remove, { name: said }), onclick: () => drop([tile.name]) }, [cross()]),
    ]);
  }

  function createGroup(group) {
    const box = make("input", { type: "checkbox", class: "tick", checked: use[group], onchange: () => { use[group] = box.checked; render(); tell(); } });
    const aside = group === "ours" && !use.ours && tiles.own.length > 0;
    const head = make("div", { class: "group-head" }, [
      make("label", {}, [box, words[group]]),
      aside ? make("span", { class: "aside", text: words.aside }) : null,
      group === "own" && editable ? make("button", { type: "button", class: "link", text: words.pack, title: words.pack_title, onclick: pack }) : null,
      group === "own" ? make("button", { type: "button", class: "link", text: words.remove_all, onclick: () => drop(tiles.own.map((tile) => tile.name)) }) : null,
    ]);
    return make("div", { class: "group", "data-off": !use[group] }, [head, make("div", { class: "tiles" }, tiles[group].map((tile) => createTile(group, tile)))]);
  }

  function render() {
    const place = find("groups").scrollTop;
    find("groups").replaceChildren(...["own", "ours"].filter((group) => tiles[group].length).map(createGroup));
    find("groups").scrollTop = place;
  }

  // `wrong`: what was found before the server was asked, to be told together with what it answers.
  function take(answer, wrong = []) {
    if (answer.error) { say([...wrong, answer.error]); return; }
    const first = tiles.own.length === 0 && answer.own.length > 0;
    const none = answer.own.length === 0;
    tiles = { ...tiles, own: answer.own, version: (tiles.version || 0) + 1 };
    if (first) { use = { ours: false, own: true }; find("groups").scrollTop = 0; }
    if (none) use = { ours: true, own: true };
    const refused = answer.refused || [];
    const reasons = refused.slice(0, SHOWN_REFUSED).map(([name, reason]) => `${name}: ${reason}`);
    say([...wrong, ...(refused.length ? [fill(words.refused, { count: refused.length }), ...reasons] : [])]);
    render();
    tell();
  }

  const ask = async (name, wish, wrong = []) => {
    try { take(await server[name]({ visit: room.state.visit, wall: props.name, ...wish }), wrong); }
    catch (error) { say([...wrong, String(error.message || error)]); }
  };
  const drop = (names) => ask("remove", { names });
  async function pack() {
    try {
      const { url, name, error } = await server.pack_cutouts({ visit: room.state.visit });
      if (error) say([error]);
      else make("a", { href: url, download: name }).click();
    } catch (error) { say([String(error.message || error)]); }
  }

  // ---------------------------------------------------------------- captions

  function edit(tile) {
    editing = tile;
    find("edit").hidden = false;
    find("edit-caption").value = tile.caption;
    find("edit-class").value = tile.class_name;
    find("edit-caption").focus();
  }
  find("edit").addEventListener("submit", async (event) => {
    event.preventDefault();
    find("edit").hidden = true;
    await ask("change", { name: editing.name, caption: find("edit-caption").value, class_name: find("edit-class").value });
  });
  find("edit-cancel").addEventListener("click", () => { find("edit").hidden = true; });

  // ---------------------------------------------------------------- files come in

  async function receive(files) {
    if (files.length === 0 || !room.state.visit) return;
    const mb = (bytes) => (bytes / 1e6).toFixed(0);
    const limitOf = (file) => (/\.zip$/i.test(file.name) ? props.archive_max_bytes : props.upload_max_bytes);
    const large = files.filter((file) => file.size > limitOf(file));
    const wrong = large.map((file) => fill(words.too_large, { name: file.name, size: mb(file.size), limit: mb(limitOf(file)) }));
    const queue = files.filter((file) => !large.includes(file));
    const over = queue.splice(props.files_max).length;
    if (over) wrong.push(fill(words.too_many, { count: over, limit: props.files_max }));
    say(wrong);
    const sent = [];
    let failed = 0;
    const all = queue.length;
    const work = async () => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        busy(fill(words.sending, { done: sent.length, all }));
        try { const { path } = await upload(file); sent.push({ path, name: file.name }); }
        catch (error) { failed += 1; }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    busy(fill(words.sending, { done: sent.length, all }));
    if (failed) wrong.push(words.upload_failed);
    if (sent.length) await ask("add", { files: sent.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true })) }, wrong);
    else say(wrong);
    busy("");
  }

  function busy(message) {
    find("busy").textContent = message;
    find("busy").hidden = !message;
  }

  find("add").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", () => { const files = [...find("file").files]; find("file").value = ""; receive(files); });
  root.addEventListener("dragover", (event) => { event.preventDefault(); root.toggleAttribute("data-dropping", true); });
  root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) root.removeAttribute("data-dropping"); });
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    root.removeAttribute("data-dropping");
    receive([...event.dataTransfer.files]);
  });

  // ---------------------------------------------------------------- from the server

  function show() {
    if (!props.value) return;
    const { ours, own } = props.value;
    tiles.ours = ours || tiles.ours;
    if (ours) render();
    take({ own });
  }
  watch("value", show);
  if (props.value) show();
  else find("groups").replaceChildren(make("div", { class: "bones" }, Array.from({ length: 8 }, () => make("i"))));
}
