// Marks a conversation as read when it is visible, as its button does.
export function markRead() {
  const form = document.querySelector("form[data-read]");
  if (!form) return;

  let asked = false;
  async function look() {
    if (document.hidden || asked) return;
    asked = true;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("quietly", "1");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
      if (answer.status !== 204) return;
      form.hidden = true;
      document.querySelector("form[data-unread]").hidden = false;
      countDown(document.querySelector(".rail a[aria-current] .needs"));
    } catch {
      // The button can still be used.
    }
  }

  document.addEventListener("visibilitychange", look);
  look();
}

function countDown(badge) {
  const left = Number(badge?.firstChild.data) - 1;
  if (left > 0) badge.firstChild.data = left;
  if (left === 0) badge.remove();
}
