// Drawing, moving and resizing boxes on the stage by mouse, pen and finger. Nothing here waits for
// the server: a finished gesture is told once, as the room's `edit`.
//
// In: the view, the room (`tool` is "draw" or "pan", `selected`), and the boxes as they are shown.
// Out: the room's `edit`: {kind: "add", box} or {kind: "move", id, box}; boxes {x, y, w, h}.
function createEditing({ stage, view, room, hit, boxOf, show, settle, words }) {
  const { element: make, svg, fill } = window.spotter;
  const GRIP_SLACK_PX = 9;
  const TOUCH_SLACK_PX = 20;
  const GRIP_PX = 7;
  const DRAW_FROM_PX = 3;
  const HAND_BUTTONS = [1, 2];
  const measure = make("div", { class: "measure", hidden: true, "aria-hidden": "true" });
  const guides = ["x", "y"].map((axis) => make("div", { class: `guide guide-${axis}`, hidden: true, "aria-hidden": "true" }));
  stage.append(...guides, measure);
  stage.toggleAttribute("data-editable", true);

  let held = false;  // the space bar turns the pointer into a hand
  let gesture = null;

  const toPicture = ([px, py]) => [(px - view.x) / view.scale, (py - view.y) / view.scale];
  const isHand = () => held || room.state.tool === "pan";
  const selected = () => (room.state.selected === null || room.state.selected === undefined ? null : boxOf(room.state.selected));
  const slackOf = (event) => (event.pointerType === "touch" ? TOUCH_SLACK_PX : GRIP_SLACK_PX);

  // What a pointer at this place would do.
  function plan(event, at) {
    if (HAND_BUTTONS.includes(event.button)) return { kind: "pan" };
    const box = selected();
    if (box && !held && !event.shiftKey) {
      const frame = view.onScreen(box);
      const grip = gripAt(frame, at, slackOf(event));
      if (grip) return { kind: "stretch", box, grip };
      if (isInFrame(gripFrame(frame), at)) return { kind: "shift", box };
    }
    if (isHand()) return { kind: "pan" };
    const [x, y] = toPicture(at);
    const [width, height] = view.size;
    const slack = slackOf(event) / view.scale;
    const inside = x >= -slack && y >= -slack && x <= width + slack && y <= height + slack;
    return { kind: inside ? "draw" : "pan" };
  }

  // A drag that changes a box, or null where a drag moves the view.
  function grab(event, at) {
    const { kind, box, grip } = plan(event, at);
    if (kind === "pan") return null;
    const from = toPicture(at);
    const shape = (to) => {
      const by = [to[0] - from[0], to[1] - from[1]];
      if (kind === "draw") return spanBox(from, to, view.size);
      return kind === "shift" ? shiftBox(box, by, view.size) : stretchBox(box, grip, by, view.size);
    };
    let over = false;
    gesture = {
      least: kind === "draw" ? DRAW_FROM_PX : 2,
      begin() {
        stage.dataset.gesture = kind;
        guides.forEach((guide) => { guide.hidden = true; });
      },
      move(now) {
        if (over) return;
        const formed = shape(toPicture(now));
        show(kind === "draw" ? { id: "drawn", state: "drawn", ...formed } : { ...box, ...formed });
        tell(formed, now);
      },
      end(now) {
        if (over) return;
        const formed = shape(toPicture(now));
        stop();
        if (kind === "draw") room.set({ edit: { kind: "add", box: formed } });
        else room.set({ edit: { kind: "move", id: box.id, box: formed } });
      },
      cancel() { over = true; stop(); settle(); },
    };
    return gesture;
  }

  function stop() {
    gesture = null;
    delete stage.dataset.gesture;
    measure.hidden = true;
  }

  function tell({ w, h }, [px, py]) {
    measure.textContent = fill(words.size_short, { width: Math.round(w), height: Math.round(h) });
    measure.hidden = false;
    const [width, height] = view.stageWh();
    const x = Math.min(px + 14, width - measure.offsetWidth - 4);
    const y = py + 18 + measure.offsetHeight > height ? py - 18 - measure.offsetHeight : py + 18;
    measure.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  // The cursor says what a press would do; two hairlines help to begin exactly.
  function hover(event, at) {
    const { kind, grip } = plan(event, at);
    const over = hit(...at, 4);
    stage.style.cursor = kind === "stretch" ? gripCursor(grip) : kind === "shift" ? "move" : kind === "draw" ? "crosshair" : view.fitted ? "default" : "grab";
    const lines = kind === "draw" && over === null && event.pointerType !== "touch";
    guides.forEach((guide, i) => {
      guide.hidden = !lines;
      if (lines) guide.style.transform = i === 0 ? `translateX(${Math.round(at[0])}px)` : `translateY(${Math.round(at[1])}px)`;
    });
  }

  function leave() {
    guides.forEach((guide) => { guide.hidden = true; });
  }

  function paint() {
    const box = selected();
    if (!box || gesture) return [];
    return gripsOf(view.onScreen(box)).map(({ at: [x, y] }) =>
      svg("rect", { class: "grip", x: Math.round(x) - GRIP_PX / 2, y: Math.round(y) - GRIP_PX / 2, width: GRIP_PX, height: GRIP_PX, rx: 1.5 }));
  }

  function hold(on) {
    held = on;
    stage.toggleAttribute("data-hand", isHand());
  }
  const isAbove = (node) => stage.matches(":hover") || node === stage || node === document.body;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && gesture) { event.stopImmediatePropagation(); gesture.cancel(); return; }
    if (event.key !== " " || event.ctrlKey || stage.offsetParent === null || !isAbove(event.target)) return;
    if (event.target.closest("input, textarea, select, button, a, [role=dialog]")) return;
    event.preventDefault();
    hold(true);
  }, true);
  document.addEventListener("keyup", (event) => { if (event.key === " ") hold(false); });
  window.addEventListener("blur", () => hold(false));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  // The middle button would scroll the page.
  stage.addEventListener("mousedown", (event) => { if (event.button === 1) event.preventDefault(); });
  room.on(["tool"], () => hold(false));

  return { grab, hover, leave, paint, isBusy: () => Boolean(gesture) };
}
