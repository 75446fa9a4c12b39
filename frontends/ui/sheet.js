// A sheet over the page that a part of a tab fills: opens when its room's `sheet` names it, closes on
// Escape, on its cross and on a press beside it. It has its head, tells what is wrong below, and asks
// the server about the open project. Part of window.spotter.
window.spotter.sheet = ({ room, name, id, element, server, words, opened = () => {} }) => {
  const { element: make, svg, layer: createLayer } = window.spotter;
  const layer = createLayer(id);
  const leave = () => { if (layer.isOpen()) room.set({ sheet: null }); };

  const cross = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, [svg("path", { d: "M3.5 3.5l9 9M12.5 3.5l-9 9" })]);
  const close = make("button", { type: "button", class: "close quiet icon", "aria-label": words.close, onclick: leave }, [cross]);
  const body = element.querySelector(".sheet-body");
  body.prepend(make("div", { class: "sheet-head" }, [make("h2", { class: "title", text: words.title }), close]));
  const wrong = make("p", { class: "sheet-notice", role: "alert", hidden: true });
  body.append(wrong);
  for (const [part, text] of Object.entries(words.labels)) element.querySelector(`.${part}`).textContent = text;

  function notice(message) {
    wrong.textContent = message;
    wrong.hidden = !message;
  }

  // The answer, or null: what is wrong is told, and what is about another project by now is dropped.
  async function ask(call, wish = {}) {
    const { visit, project } = room.state;
    if (!project) return null;
    let answer;
    try { answer = await server[call]({ visit, project: project.key, ...wish }); }
    catch (error) { answer = { error: String(error.message || error) }; }
    if ((room.state.project || {}).key !== project.key) return null;
    notice(answer.error || "");
    return answer.error ? null : answer;
  }

  layer.onEscape(() => { leave(); return false; });
  document.addEventListener("pointerdown", (event) => {
    const node = document.getElementById(id);
    if (layer.isOpen() && !node.contains(event.target)) leave();
  });
  room.on(["sheet"], ({ sheet }) => {
    if (sheet && sheet.name === name) { layer.open(words.title, close); notice(""); opened(); }
    else layer.close();
  });
  return { close: leave, isOpen: layer.isOpen, notice, ask };
};
