// Begins the visit when the tab is opened for the first time, and tells the room its key.
function createVisit({ props, trigger, watch }) {
  const { room: openRoom } = window.spotter;
  const room = openRoom(props.room);
  const page = openRoom("page");
  let entered = false;

  function enter() {
    if (entered || page.state.tab !== props.tab) return;
    entered = true;
    trigger("enter");
  }

  watch("value", () => { if (props.value) room.set({ visit: props.value }); });
  page.on(["tab"], enter);
  enter();
}
