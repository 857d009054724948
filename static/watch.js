// Pages about something that is under way: they look again by themselves, so that nobody reloads.
import { showCopyButtons } from "./copy.js";

const EVERY = 4000;
// A page that was forgotten in a tab must not keep its login session alive for ever.
const LONGEST = 20 * 60 * 1000;

export function watchPage() {
  const watched = document.querySelector(".watched");
  if (!watched?.hasAttribute("data-watch")) return;
  const began = Date.now();

  async function look() {
    if (Date.now() - began > LONGEST) return clearInterval(timer);
    // What a person has ticked stays under their hand.
    if (document.hidden || watched.querySelector(":checked")) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector(".watched");
      // What was watched has become another page.
      if (!now) return location.reload();
      if (now.innerHTML !== drawn) {
        drawn = now.innerHTML;
        watched.innerHTML = drawn;
        showCopyButtons(watched);
      }
      if (!now.hasAttribute("data-watch")) clearInterval(timer);
    } catch {
      // The next look may find the console again.
    }
  }

  let drawn = "";
  const timer = setInterval(look, Number(watched.dataset.watch) || EVERY);
}
