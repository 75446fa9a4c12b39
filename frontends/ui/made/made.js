// The finished data set. Asks for its figures once it is there; pictures come in pages.
//
// `run.made` tells whether one is still there.
//
// Room in: `made`, `visit`, `run`, `large`. Out: `large`, `large_scene`.
function createMade({ element, props, server }) {
  const { room: openRoom, element: make, svg, fill, duration, scene } = window.spotter;
  const room = openRoom(props.room);
  const words = props.words;
  const root = element.querySelector(".made");
  const find = (name) => element.querySelector(`.${name}`);
  const plots = createPlots({ make, svg, fill, words: props.plot_words });
  const POLL_MS = 400;
  let pictures = [];
  let total = 0;

  const texts = {
    title: words.title, earlier: words.earlier, "gallery-title": words.gallery, more: words.more, "push-hint": words.push_hint, "label-repo": words.repo,
    "label-token": words.token, "token-hint": words.token_hint, "label-private": words.private, send: words.send,
  };
  for (const [name, label] of Object.entries(texts)) find(name).textContent = label;
  element.querySelector(".push summary").textContent = words.push;
  find("repo").placeholder = words.repo_example;

  function notice(message) {
    find("notice").textContent = message || "";
    find("notice").hidden = !message;
  }

  async function receive() {
    notice("");
    const answer = await server.made({ visit: room.state.visit });
    if (answer.error) { root.hidden = false; notice(answer.error); return; }
    const time = duration(answer.seconds, props.time_words);
    find("sum").textContent = [
      fill(words.sum, { ...answer, images: answer.images.toLocaleString("en"), boxes: answer.boxes.toLocaleString("en"), time }),
      fill(words.splits, { train: 0, val: 0, test: 0, ...answer.splits }),
    ].join(" ");
    find("notes").replaceChildren(
      ...answer.warnings.map((text) => make("li", { class: "warning", text })), ...answer.notes.map((text) => make("li", { text })),
    );
    find("download").href = answer.zip.url;
    find("download").setAttribute("download", answer.zip.name);
    find("download").textContent = fill(words.download, { size: answer.zip.megabytes });
    const { sizes, positions, counts, classes, colors } = answer.plots;
    const names = props.plot_words;
    find("plots").replaceChildren(
      plots.heat(names.positions, positions, answer.aspect),
      plots.bars(names.sizes, sizes),
      plots.bars(names.counts, counts),
      plots.rows(names.classes, classes, true),
      plots.rows(names.colors, colors, true, (name) => answer.swatches[name] || "none"),
    );
    find("sent").replaceChildren();
    pictures = [];
    total = answer.images;
    find("gallery").replaceChildren();
    root.hidden = false;
    await more();
  }

  async function more() {
    const start = pictures.length;
    const answer = await server.gallery({ visit: room.state.visit, start });
    if (answer.error) { notice(answer.error); return; }
    if (start !== pictures.length) return;
    pictures.push(...answer.pictures);
    find("gallery").append(...answer.pictures.map((shown, i) => make("button", {
      type: "button", class: "thumb", onclick: () => room.set({ large: { kind: "made", at: start + i, count: total } }),
      "aria-label": fill(words.show, { name: shown.name }),
    }, [scene.paint(shown)])));
    find("more").hidden = pictures.length >= total;
  }

  async function enlarge() {
    const { large } = room.state;
    if (!large || large.kind !== "made") return;
    const small = pictures[large.at];
    if (small) room.set({ large_scene: { ...small, title: small.name } });
    const answer = await server.picture({ visit: room.state.visit, index: large.at });
    const still = room.state.large;
    if (answer.error || !still || still.kind !== "made" || still.at !== large.at) return;
    room.set({ large_scene: { ...answer.picture, title: answer.picture.name, full: true } });
  }

  // ---------------------------------------------------------------- to Hugging Face

  function showPush(run) {
    const sending = run.state === "sending" || run.state === "waiting";
    find("send").disabled = sending;
    notice(run.state === "failed" ? run.error : "");
    if (run.state === "sent") {
      find("sent").replaceChildren(`${words.sent} `, make("a", { href: run.url, target: "_blank", rel: "noopener", text: run.url }));
    } else {
      find("sent").textContent = sending ? fill(words.sending, { done: run.done, all: run.total }) : "";
    }
    if (sending) setTimeout(async () => showPush(await server.progress({ visit: room.state.visit })), POLL_MS);
  }

  find("push-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wish = { visit: room.state.visit, repo: find("repo").value.trim(), token: find("token").value.trim(), private: find("private").checked };
    find("token").value = "";
    showPush(await server.push(wish));
  });

  find("more").addEventListener("click", more);
  room.on(["made"], receive);
  room.on(["large"], enlarge);
  // While a new one is made, the one before stays as long as there is room for both.
  const STILL = ["waiting", "drawing", "packing", "stopped"];
  room.on(["run"], ({ run }) => {
    if (run.made === false) root.hidden = true;
    find("earlier").hidden = !STILL.includes(run.state);
  });
}
