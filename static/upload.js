// Uploads a file with a progress bar, and shows the resulting page.
export function showUpload() {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  followTemplate(form);
  dropFiles(form);
  form.addEventListener("submit", (event) => {
    const file = form.querySelector("input[type=file]").files[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    send(form, file);
  });
}

function send(form, file) {
  const far = form.querySelector("[data-upload-progress]");
  const [bar, said] = far.children;
  far.hidden = false;
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.upload.addEventListener("progress", (event) => {
    const share = event.lengthComputable ? event.loaded / event.total : 0;
    bar.value = share * 100;
    said.textContent = `${said.dataset.said} ${(share * 100).toFixed(0)}% · ${(event.loaded / 1e6).toFixed(1)} / ${(file.size / 1e6).toFixed(1)} MB`;
  });
  // The form stays as it is, so that it can be sent again.
  function say(sentence) {
    delete form.dataset.sent;
    bar.value = 0;
    said.textContent = sentence;
  }
  request.addEventListener("load", () => {
    const { status, responseURL: landed } = request;
    if (status === 200 && new URL(landed).pathname === "/login") return say(said.dataset.signedOut);
    if (status === 200 && landed !== form.action) return location.assign(landed);
    // The response is the form with its errors, or an error page. One of neither is a proxy's.
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const main = page.querySelector("main");
    if (!main) return say(proxyProblem(said.dataset, status));
    // The chosen file is kept.
    const chosen = form.querySelector("input[type=file]").files;
    document.querySelector("main").replaceWith(main);
    const input = document.querySelector("form[data-upload] input[type=file]");
    if (input) input.files = chosen;
    document.getElementById("errors")?.focus();
    showUpload();
  });
  for (const event of ["error", "abort", "timeout"]) {
    request.addEventListener(event, () => say(said.dataset.failed));
  }
  request.send(new FormData(form));
}

// What a proxy in front of the console means by an answer of its own.
function proxyProblem(sentences, status) {
  if (status === 413) return sentences.tooLarge;
  if (status >= 400) return sentences.gateway.replace("000", status);
  return sentences.failed;
}

// Shows the text of the chosen template, what may be added to it, and the link to its sample file.
function followTemplate(form) {
  const choice = form.querySelector("select[data-samples]");
  choice.addEventListener("change", () => {
    const one = choice.selectedOptions[0];
    form.querySelector("[data-template-text]").textContent = one.dataset.text;
    const added = document.createElement("p");
    added.className = "hint opt-out";
    added.textContent = one.dataset.added;
    form.querySelector("[data-added-opt-out]").replaceChildren(...(one.dataset.added ? [added] : []));
    form.querySelector("[data-sample-link]").href = one.dataset.sample;
  });
}

function dropFiles(form) {
  const place = form.querySelector(".drop");
  const input = place.querySelector("input[type=file]");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    });
  }
}
