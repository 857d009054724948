// The search field of the frame: `/` and Ctrl-K lead to it, and what is found is listed as one types.
const PAUSE = 200;

export function findWhileTyping() {
  document.addEventListener("keydown", leadToField);
  for (const form of document.querySelectorAll("[data-search]:has([data-found])")) listFound(form);
}

function leadToField(event) {
  const byLetter = event.key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
  const bySlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
  const types = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (!byLetter && !(bySlash && !types)) return;
  const fields = [...document.querySelectorAll("main [data-search] input, [data-search] input")];
  const field = fields.find((one) => one.checkVisibility());
  // Where it is narrow, the field is on a page of its own.
  const page = document.querySelector("[data-search-page]");
  if (!field && !page) return;
  event.preventDefault();
  if (!field) return page.click();
  field.focus();
  field.select();
}

function listFound(form) {
  const field = form.querySelector("input");
  const found = form.querySelector("[data-found]");
  let asked;
  let timer;

  async function look() {
    asked?.abort();
    asked = new AbortController();
    const text = field.value.trim();
    // One letter finds too much; one Chinese character is a word.
    if (text.length < 2 && !/[^\0-\x7f]/.test(text)) return found.hidePopover();
    try {
      const address = `${form.action}?${new URLSearchParams({ q: text })}`;
      const headers = { "x-watch": "1" };
      const answer = await fetch(address, { credentials: "same-origin", headers, signal: asked.signal });
      if (!answer.ok || answer.redirected) return;
      found.innerHTML = await answer.text();
      show();
    } catch {
      // Pressing Enter still leads to the page.
    }
  }

  function show() {
    const { left, bottom } = field.getBoundingClientRect();
    found.style.setProperty("left", `${left}px`);
    found.style.setProperty("top", `${bottom + 4}px`);
    found.style.setProperty("max-height", `calc(100dvh - ${bottom + 16}px)`);
    if (document.activeElement === field) found.showPopover();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !found.matches(":popover-open")) return;
    const stops = [field, ...found.querySelectorAll("a")];
    event.preventDefault();
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  });
}
