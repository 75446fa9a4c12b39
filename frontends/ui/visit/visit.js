// Begins the visit when the tab is opened for the first time, or another one sets `entering` in its
// room, and tells the room its key.
function createVisit({ props, trigger, watch }) {
  const { room: openRoom } = window.spotter;
  const room = openRoom(props.room);
  const page = openRoom("page");
  let entered = false;

  function enter(state, changed = []) {
    if (entered || (page.state.tab !== props.tab && !changed.includes("entering"))) return;
    entered = true;
    trigger("enter");
  }

  watch("value", () => { if (props.value) room.set({ visit: props.value }); });
  page.on(["tab"], enter);
  room.on(["entering"], enter);
  enter();
}
