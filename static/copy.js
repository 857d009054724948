// Buttons that copy an id or a phone. Their content is in the page once, as a template.
export function showCopyButtons(within) {
  const look = document.getElementById("copy");
  if (!navigator.clipboard || !look) return;
  // Tables of messages have many of them, so their buttons are created here: a marked cell contains
  // nothing but the text to copy.
  for (const cell of within.querySelectorAll("[data-copies]")) {
    const button = document.createElement("button");
    Object.assign(button, { className: "plain", type: "button", hidden: true });
    button.dataset.copy = cell.textContent.trim();
    cell.removeAttribute("data-copies");
    cell.append(button);
  }
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    button.append(look.content.cloneNode(true));
    button.title = `${look.dataset.label} ${button.dataset.copy}`;
    button.lastElementChild.textContent = button.title;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      document.getElementById("said").textContent = look.dataset.done;
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1200);
    });
  }
}
