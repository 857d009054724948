// The check page: updates its numbers when repeats are included or left out.
export function checkAgainOnChange() {
  for (const box of document.querySelectorAll("[data-recheck]")) {
    box.addEventListener("change", () => box.form.requestSubmit());
  }
  // Columns, sheet, template or encoding: the file is read again, once the columns fit together. To
  // exchange two of them takes two changes.
  const button = document.getElementById("check-again");
  const columns = [...document.querySelectorAll("select[name=column][data-check-again]")];
  let timer;
  const fit = () => {
    const used = columns.map((column) => column.value).filter((value) => value !== "");
    return used.includes("phone") && new Set(used).size === used.length;
  };
  for (const field of button ? document.querySelectorAll("[data-check-again]") : []) {
    field.addEventListener("change", () => {
      clearTimeout(timer);
      if (fit()) timer = setTimeout(() => button.form.requestSubmit(button), 800);
    });
  }
}

// Forms: shows a preview of the text while a person types.
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
        body: new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string")),
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
  // Another template has other variables, whose fields the server renders.
  form.querySelector("[name=template_id]")?.addEventListener("change", () => form.requestSubmit(choose));
  if (choose) choose.classList.add("unseen");
}

// The template form: a button inserts its variable at the cursor, and each variable of the text has a
// field for its meaning.
export function insertVariables() {
  const text = document.querySelector("textarea[name=text]");
  const fields = document.querySelector("[data-variables]");
  if (!text || !fields) return;
  const buttons = text.form.querySelectorAll("button[name=insert]");

  function draw() {
    const numbers = [...text.value.matchAll(/\{(\d{1,3})\}/g)].map((found) => Number(found[1]));
    const highest = Math.min(Math.max(1, ...numbers), 50);
    for (let n = fields.querySelectorAll("input").length + 1; n <= highest; n++) {
      const field = fields.querySelector(".field").cloneNode(true);
      const input = field.querySelector("input");
      field.querySelector("label").htmlFor = input.id = `v${n}`;
      field.querySelector(".variable").textContent = `{${n}}`;
      input.value = "";
      fields.append(field);
    }
    const next = buttons[buttons.length - 1];
    next.value = Math.max(0, ...numbers) + 1;
    next.textContent = `{${next.value}}`;
  }

  for (const button of buttons) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      text.setRangeText(`{${button.value}}`, text.selectionStart, text.selectionEnd, "end");
      text.focus();
      text.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
  text.addEventListener("input", draw);
}

// The button that orders a list says what will happen: now, at its time, or to a few first.
export function nameWhatHappens() {
  const label = document.querySelector("[data-now][data-trial]");
  const form = label?.closest("form");
  const show = () => {
    const { schedule_at: at, canary, canary_first: first } = form.elements;
    const { now, scheduled, trial } = label.dataset;
    label.textContent = at.value ? scheduled : canary.checked ? trial.replace("#", first.value) : now;
  };
  form?.addEventListener("input", show);
}
