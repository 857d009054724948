// Buttons that copy an id or a phone. How they look stands in the page once.
export function showCopyButtons(within) {
  const look = document.getElementById("copy");
  if (!navigator.clipboard || !look) return;
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    // Without a value of its own it copies what stands before it.
    button.dataset.copy ||= button.previousElementSibling.textContent;
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
