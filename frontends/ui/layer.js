// A layer over the page, such as the large view: focus stays inside until it closes, then goes back
// to where it came from. Part of window.spotter.
window.spotter.layer = (id) => {
  const node = () => document.getElementById(id);
  const isOpen = () => Boolean(node() && node().hasAttribute("data-open"));
  let cameFrom = null;
  let closing = () => true;

  function open(label, first) {
    if (isOpen()) return;
    cameFrom = document.activeElement;
    node().toggleAttribute("data-open", true);
    node().setAttribute("role", "dialog");
    node().setAttribute("aria-modal", "true");
    node().setAttribute("aria-label", label);
    first.focus();
  }

  function close() {
    if (!isOpen()) return;
    node().toggleAttribute("data-open", false);
    if (cameFrom && cameFrom.isConnected) cameFrom.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (!isOpen()) return;
    if (event.key === "Escape" && closing()) close();
    if (event.key !== "Tab") return;
    const inside = [...node().querySelectorAll("a[href], button:enabled, input, select, textarea, [tabindex='0']")]
      .filter((other) => other.offsetParent !== null && other.tabIndex >= 0);
    const last = inside[inside.length - 1];
    if (event.shiftKey && document.activeElement === inside[0]) { event.preventDefault(); last.focus(); }
    else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); inside[0].focus(); }
  }, true);

  // closing(): asked on Escape; false keeps the layer open.
  return { open, close, isOpen, onEscape(ask) { closing = ask; } };
};
