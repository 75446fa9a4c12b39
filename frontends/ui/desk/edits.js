// Edits on their way to the server: one at a time, in order, each with the version of its image that
// it was made on. The person never waits for one; nothing is lost while the connection is away.
//
// In: push({image, edits, state?, step?, hold_ms?}). An edit that adds a box names it by a number
// below 0, which later edits may use too. Out: answered(entry, answer), told(status).
function createEdits({ send, answered, told }) {
  const RETRY_MS = [500, 1500, 4000];
  const waiting = [];
  const versions = new Map();
  const ids = new Map();
  let running = false;
  let tries = 0;
  let timer = 0;

  const real = (id) => (ids.has(id) ? ids.get(id) : id);
  const isHeld = (entry) => waiting.length === 1 && entry.until > performance.now();

  // Several small moves of one box in a row are one edit.
  function push(entry) {
    const last = waiting[waiting.length - 1];
    const until = performance.now() + (entry.hold_ms || 0);
    if (last && last !== running && entry.hold_ms && last.key && last.key === entry.key) {
      Object.assign(last, { edits: entry.edits, until });
    } else {
      waiting.push({ ...entry, until });
    }
    told({ state: "saving", count: waiting.length });
    run();
  }

  function resolve(edit) {
    return edit.box === undefined ? edit : { ...edit, box: real(edit.box) };
  }

  async function run() {
    clearTimeout(timer);
    const entry = waiting[0];
    if (running || !entry) return;
    if (isHeld(entry)) { timer = setTimeout(run, entry.until - performance.now() + 5); return; }
    running = entry;
    let answer = null;
    try {
      const edits = (entry.edits || []).map(resolve);
      answer = await send({ ...entry, edits, version: versions.get(entry.image) });
    } catch (error) {
      running = false;
      told({ state: "retrying", count: waiting.length });
      timer = setTimeout(run, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
      tries += 1;
      return;
    }
    running = false;
    tries = 0;
    waiting.shift();
    if (answer.photo) versions.set(entry.image, answer.photo.version);
    if (answer.conflict || answer.error) forget(entry.image);
    else {
      const added = (answer.changed || []).filter((box) => box.added);
      (entry.edits || []).filter((edit) => edit.kind === "add").forEach((edit, i) => {
        if (added[i]) ids.set(edit.local, added[i].id);
      });
    }
    answered(entry, answer, waiting.some((other) => other.image === entry.image));
    told({ state: waiting.length ? "saving" : "saved", count: waiting.length });
    run();
  }

  // What was refused takes along what was built on it.
  function forget(image) {
    for (let i = waiting.length - 1; i >= 0; i -= 1) if (waiting[i].image === image) waiting.splice(i, 1);
  }

  window.addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });

  return {
    push,
    real,
    isPending: (image) => waiting.some((entry) => entry.image === image),
    setVersion: (image, version) => versions.set(image, version),
  };
}
