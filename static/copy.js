// Buttons that copy an id or a phone. How they look stands in the page once.
export function showCopyButtons(within) {
  const look = document.getElementById("copy");
  if (!navigator.clipboard || !look) return;
  // Messages have many: what is marked, and holds nothing else, gets its button here.
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
