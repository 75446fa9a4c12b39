// Edits on their way to the server: one at a time, in order, each with the version of its image that
// it was made on. The person never waits for one; nothing is lost while the connection is away.
//
// In: push({project, who, image, edits, state?, step?, hold_ms?}); what an edit belongs to is fixed
// when it is made, wherever the person is when it is sent. An edit that adds a box names it by a
// number below 0, which later edits may use too. Each has a token, by which the server knows it if
// it comes again because the answer was lost. Out: answered(entry, answer, more), told(status).
function createEdits({ send, answered, told }) {
  const RETRY_MS = [500, 1500, 4000];
  const waiting = [];
  const versions = new Map();
  const ids = new Map();
  let heard = [];
  let running = false;
  let tries = 0;
  let timer = 0;

  const real = (id) => (ids.has(id) ? ids.get(id) : id);
  const isHeld = (entry) => waiting.length === 1 && entry.until > performance.now();
  const of = (project, image) => `${project} ${image}`;
  const isPending = (project, image) => waiting.some((entry) => entry.project === project && entry.image === image);

  // Not crypto.randomUUID: that is missing where the page is opened over plain HTTP.
  const token = () => [...crypto.getRandomValues(new Uint8Array(12))].map((value) => value.toString(16).padStart(2, "0")).join("");

  // Several small moves of one box in a row are one edit.
  function push(entry) {
    const last = waiting[waiting.length - 1];
    const until = performance.now() + (entry.hold_ms || 0);
    const same = last && last.project === entry.project && last.image === entry.image && last.key === entry.key;
    if (same && last !== running && !last.sent && entry.hold_ms && last.key) {
      Object.assign(last, { edits: entry.edits, until });
    } else {
      waiting.push({ ...entry, token: token(), until });
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
    // The server may have it from now on: it stays as it is, also if it has to be sent again.
    entry.sent = true;
    let answer = null;
    try {
      const edits = (entry.edits || []).map(resolve);
      answer = await send({ ...entry, edits, version: versions.get(of(entry.project, entry.image)) });
      if (answer.again) throw new Error(answer.error);  // the disk is full, or another program writes
    } catch (error) {
      running = false;
      told({ state: "retrying", count: waiting.length, why: answer ? answer.error : "" });
      timer = setTimeout(run, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
      tries += 1;
      return;
    }
    running = false;
    tries = 0;
    waiting.shift();
    if (answer.photo) versions.set(of(entry.project, entry.image), answer.photo.version);
    if (answer.conflict || answer.error) forget(entry);
    else {
      const added = answer.added || [];
      (entry.edits || []).filter((edit) => edit.kind === "add").forEach((edit, i) => {
        if (added[i]) ids.set(edit.local, added[i]);
      });
    }
    answered(entry, answer, isPending(entry.project, entry.image));
    told({ state: waiting.length ? "saving" : "saved", count: waiting.length });
    const [now, later] = [heard.filter((one) => !isPending(one.project, one.image)), heard.filter((one) => isPending(one.project, one.image))];
    heard = later;
    now.forEach((one) => one.go());
    run();
  }

  // What was refused takes along what was built on it.
  function forget({ project, image }) {
    for (let i = waiting.length - 1; i >= 0; i -= 1) if (waiting[i].project === project && waiting[i].image === image) waiting.splice(i, 1);
  }

  // Done once every edit of an image has been answered; what is held is sent at once.
  function settled(project, image) {
    if (!isPending(project, image)) return Promise.resolve();
    flush();
    return new Promise((go) => heard.push({ project, image, go }));
  }

  function flush() {
    for (const entry of waiting) entry.until = 0;
    if (tries === 0) run();
  }

  window.addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });

  return {
    push,
    flush,
    real,
    isPending,
    settled,
    setVersion: (project, image, version) => versions.set(of(project, image), version),
  };
}
