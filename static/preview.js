// The check page: with or without repeats, its numbers are drawn anew.
export function checkAgainOnChange() {
  for (const box of document.querySelectorAll("[data-recheck]")) {
    box.addEventListener("change", () => box.form.requestSubmit());
  }
}

// The send form: the text as it will arrive, while it is being written.
export function previewWhileTyping() {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const place = document.getElementById("preview");
  const choose = form.querySelector("[data-choose]");
  let timer;
  let latest = 0;

  async function draw() {
    const turn = ++latest;
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        credentials: "same-origin",
      });
      if (answer.ok && !answer.redirected && turn === latest) place.innerHTML = await answer.text();
    } catch {
      // The check page shows the text in any case.
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, 250);
  });
  // Another template has other variables: the server draws their fields.
  form.querySelector("[name=template_id]")?.addEventListener("change", () => form.requestSubmit(choose));
  if (choose) choose.classList.add("unseen");
}
