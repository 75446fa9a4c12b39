// How a picture comes in: a file, a drop, a paste, or the camera. Checks it before it travels.
//
// In: the component's element and words; out: calls of take(file) and notice(sentence).
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

  function receive(file) {
    if (!file) return;
    const named = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i.test(file.name);
    if (!file.type.startsWith("image/") && !named) { notice(words.not_a_picture); return; }
    if (file.size > limit_bytes) {
      const mb = (bytes) => (bytes / 1e6).toFixed(0);
      notice(fill(words.too_large, { size: mb(file.size), limit: mb(limit_bytes) }));
      return;
    }
    notice("");
    take(file);
  }

  const inputs = [find("file"), find("shot")];
  for (const input of inputs) {
    input.addEventListener("change", () => { receive(input.files[0]); input.value = ""; });
  }
  find("choose").addEventListener("click", () => find("file").click());
  find("replace").addEventListener("click", () => find("file").click());

  stage.addEventListener("dragover", (event) => { event.preventDefault(); stage.toggleAttribute("data-dropping", true); });
  stage.addEventListener("dragleave", () => stage.removeAttribute("data-dropping"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.removeAttribute("data-dropping");
    receive(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData ? event.clipboardData.files : [])][0];
    if (file && element.offsetParent !== null) { event.preventDefault(); receive(file); }
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
    canvas.toBlob((blob) => receive(new File([blob], "camera.png", { type: "image/png" })), "image/png");
  });
}
