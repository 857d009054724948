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
  request.addEventListener("load", () => {
    if (request.status === 200 && request.responseURL !== form.action) {
      location.assign(request.responseURL);
      return;
    }
    // The response is the form with its errors. The chosen file is kept.
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const chosen = form.querySelector("input[type=file]").files;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    const input = document.querySelector("form[data-upload] input[type=file]");
    if (input) input.files = chosen;
    document.getElementById("errors")?.focus();
    showUpload();
  });
  request.addEventListener("error", () => {
    delete form.dataset.sent;
    said.textContent = said.dataset.failed;
  });
  request.send(new FormData(form));
}

// Shows the text of the chosen template and the link to its sample file.
function followTemplate(form) {
  const choice = form.querySelector("select[data-samples]");
  choice.addEventListener("change", () => {
    const one = choice.selectedOptions[0];
    form.querySelector("[data-template-text]").textContent = one.dataset.text;
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
