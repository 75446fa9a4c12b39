// How a picture that is brought is taken: shown at once, sent, asked about. One that cannot be used
// gives its place back to the one before, with what was found there.
//
// In: `open(url)` shows a picture, `src()` is the one that is shown, null where none is. Out: take(file),
// giveBack(), and isOwn(value): whether a value is about the file that the browser shows by itself.
function createTaking({ props, room, words, upload, trigger, notice, open, src }) {
  const urls = new Set();
  let own = { url: null, path: null };
  let before = null;
  let turns = 0;

  const isShowable = (url) => new Promise((tell) => {
    const probe = new Image();
    probe.onload = () => tell(true);
    probe.onerror = () => tell(false);
    probe.src = url;
  });

  async function take(file) {
    const turn = (turns += 1);
    for (const old of [...urls].filter((one) => one !== own.url)) { URL.revokeObjectURL(old); urls.delete(old); }
    const url = URL.createObjectURL(file);
    urls.add(url);
    const isKnown = await isShowable(url);
    if (turn !== turns) return;
    before = { value: props.value, src: src(), own, answer: room.state.answer };
    own = { url, path: null };
    room.set({ busy: true, picture_error: "", captions_error: "" });
    // What a browser cannot show, the server may turn into what it can.
    if (isKnown) {
      room.set({ boxes: [], selected: null, hovered: null, answer: null, image_own: true });
      open(url);
    }
    try {
      const sent = await upload(file);
      if (turn !== turns) return;
      own.path = sent.path;
      const meta = { _type: "gradio.FileData" };
      props.value = { image: { path: sent.path, url: sent.url, orig_name: file.name, meta } };
      trigger("pick");
    } catch (error) {
      if (turn !== turns) return;
      room.set({ busy: false });
      notice(words.upload_failed);
      giveBack();
    }
  }

  function giveBack() {
    if (!before) return;
    const { value, answer, ...old } = before;
    before = null;
    own = old.own;
    props.value = value;
    if (src() !== old.src) open(old.src);
    if (!room.state.answer) room.set({ answer });
  }

  room.on(["refused"], giveBack);
  return { take, giveBack, isOwn: (value) => Boolean(own.url) && !value.display && value.image.path === own.path };
}
