// Buttons that copy an id or a phone. Their content is in the page once, as a template.
export function showCopyButtons(within) {
  const look = document.getElementById("copy");
  if (!navigator.clipboard || !look) return;
  // Tables of messages have many of them, so their buttons are created here, at the end of a marked
  // element that contains nothing but the text to copy.
  const marked = "[data-copies]";
  for (const cell of within.matches?.(marked) ? [within] : within.querySelectorAll(marked)) {
    const copy = cell.firstElementChild.textContent.trim();
    const old = cell.querySelector(":scope > [data-copy]");
    if (old?.dataset.copy === copy) continue;
    old?.remove();
    const button = document.createElement("button");
    // A row is one stop of the Tab key. By keys, the value is copied on the page of the thing itself.
    Object.assign(button, { className: "plain", type: "button", hidden: true, tabIndex: -1 });
    button.dataset.copy = copy;
    cell.append(button);
  }
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    button.append(look.content.cloneNode(true));
    button.title = `${look.dataset.label} ${button.dataset.copy}`;
    button.lastElementChild.textContent = button.title;
    button.hidden = false;
  }
}

export const isCopyButton = (node) => node.dataset?.copy !== undefined;

// Copies what a pressed button names.
export function copyOnPress() {
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("said").textContent = document.getElementById("copy").dataset.done;
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1200);
  });
}
