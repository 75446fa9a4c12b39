// How a picture comes in: a file, a drop, a paste, or the camera. Checks it before it travels.
//
// In: the component's element and words; out: calls of take(file) and notice(sentence, isCalm).
function connectIntake({ element, words, limit_bytes, notice, take }) {
  const { element: make, fill } = window.spotter;
  const find = (name) => element.querySelector(`.${name}`);
  const stage = find("stage");
  const touch = matchMedia("(pointer: coarse)").matches;
  const texts = {
    "invite-title": touch ? words.title_touch : words.title, "invite-hint": words.hint, choose: words.choose,
    camera: words.camera, replace: words.replace, "finder-take": words.take, "finder-close": words.close,
  };
  for (const [name, words_of] of Object.entries(texts)) find(name).textContent = words_of;

  const isPicture = (file) => file.type.startsWith("image/") || /\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i.test(file.name);

  // The first picture is taken; that there were more is said, for they are not.
  function receive(files) {
    if (!files.length) return;
    const pictures = [...files].filter(isPicture);
    const [file] = pictures;
    if (!file) { notice(words.not_a_picture); return; }
    if (file.size > limit_bytes) {
      const mb = (bytes) => (bytes / 1e6).toFixed(0);
      notice(fill(words.too_large, { size: mb(file.size), limit: mb(limit_bytes) }));
      return;
    }
    notice("");
    take(file);
    if (pictures.length > 1) notice(fill(words.one_of, { count: pictures.length }), true);
  }

  const inputs = [find("file"), find("shot")];
  for (const input of inputs) {
    input.addEventListener("change", () => { receive(input.files); input.value = ""; });
  }
  find("choose").addEventListener("click", () => find("file").click());
  find("replace").addEventListener("click", () => find("file").click());

  stage.addEventListener("dragover", (event) => { event.preventDefault(); stage.toggleAttribute("data-dropping", true); });
  stage.addEventListener("dragleave", () => stage.removeAttribute("data-dropping"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.removeAttribute("data-dropping");
    receive(event.dataTransfer.files);
  });
  // Beside the stage too, where a browser would leave the page to show the picture.
  const isAside = (event) => element.offsetParent !== null && !event.defaultPrevented && event.dataTransfer
    && [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragover", (event) => { if (isAside(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!isAside(event)) return;
    event.preventDefault();
    receive(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData ? event.clipboardData.files : [];
    if (files.length && element.offsetParent !== null) { event.preventDefault(); receive(files); }
  });

  let stream = null;
  function closeFinder() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    find("finder").hidden = true;
  }

  find("camera").addEventListener("click", async () => {
    // On a phone the system's own camera is better than ours.
    if (touch) { find("shot").click(); return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 } } });
      const video = find("finder-video");
      video.srcObject = stream;
      find("finder").hidden = false;
      await video.play();
      find("finder-take").focus();
    } catch (error) {
      closeFinder();
      notice(words.no_camera);
    }
  });
  find("finder-close").addEventListener("click", closeFinder);
  find("finder-take").addEventListener("click", () => {
    const video = find("finder-video");
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    closeFinder();
    canvas.toBlob((blob) => receive([new File([blob], "camera.png", { type: "image/png" })]), "image/png");
  });
}
