// A sheet over the page that a part of a tab fills: opens when its room's `sheet` names it, closes on
// Escape, on its cross and on a press beside it. Part of window.spotter.
window.spotter.sheet = ({ room, name, id, element, title, close, opened = () => {} }) => {
  const find = (part) => element.querySelector(`.${part}`);
  const layer = window.spotter.layer(id);
  const leave = () => { if (layer.isOpen()) room.set({ sheet: null }); };

  find("title").textContent = title;
  find("close").setAttribute("aria-label", close);
  find("close").addEventListener("click", leave);
  layer.onEscape(() => { leave(); return false; });
  document.addEventListener("pointerdown", (event) => {
    const node = document.getElementById(id);
    if (layer.isOpen() && !node.contains(event.target)) leave();
  });
  room.on(["sheet"], ({ sheet }) => {
    if (sheet && sheet.name === name) { layer.open(title, find("close")); opened(); }
    else layer.close();
  });
  return { close: leave, isOpen: layer.isOpen };
};
