// Buttons that copy an id or a phone.
export function showCopyButtons(within) {
  if (!navigator.clipboard) return;
  for (const button of within.querySelectorAll("[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      document.getElementById("said").textContent = button.dataset.copied;
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1200);
    });
  }
}
