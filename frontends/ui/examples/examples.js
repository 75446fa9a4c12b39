// Example pictures: one click shows the picture, fills in its captions and locates at once.
function createExamples({ element, props, trigger, watch }) {
  const { room: openRoom, element: make, fill } = window.spotter;
  const room = openRoom(props.room);
  const row = element.querySelector(".row");
  element.querySelector(".title").textContent = props.words.title;

  function render() {
    row.replaceChildren(...(props.value || []).map((example, index) => make("button", {
      type: "button", class: "example", style: `background-image: url("${example.thumbnail}")`,
      "aria-label": fill(props.words.choose, { captions: example.captions.join(", ") }),
      title: example.captions.join("\n"),
      onclick: (event) => {
        for (const node of row.children) node.setAttribute("aria-pressed", String(node === event.currentTarget));
        // The picture is seen at once, as one that is brought; what was found follows.
        room.set({ busy: true, answer: null, boxes: [], selected: null, hovered: null, picture_error: "", captions_error: "", image_own: false, preview: { url: example.url } });
        trigger("choose", { index });
      },
    })));
  }

  room.on(["image"], (state) => {
    if (state.image_own) for (const node of row.children) node.setAttribute("aria-pressed", "false");
  });
  watch("value", render);
  render();
}
