// Refreshes pages about something that is in progress.
import { showCopyButtons } from "./copy.js";
import { become } from "./morph.js";

const EVERY = 4000;
// A page in a forgotten tab must not keep its login session alive forever.
const LONGEST = 20 * 60 * 1000;

export function watchPage() {
  const watched = document.querySelector(".watched");
  if (!watched?.hasAttribute("data-watch")) return;
  const began = Date.now();

  async function look() {
    if (Date.now() - began > LONGEST) return clearInterval(timer);
    // Nothing is replaced while a checkbox is ticked, or something is opened.
    if (document.hidden || watched.querySelector("input:checked, details[open]")) return;
    try {
      const headers = { "x-watch": "1" };
      const answer = await fetch(location.href, { credentials: "same-origin", headers });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector(".watched");
      // The page has become another one.
      if (!now) return location.reload();
      if (now.innerHTML !== drawn) {
        drawn = now.innerHTML;
        become(watched, now);
        showCopyButtons(watched);
      }
      if (!now.hasAttribute("data-watch")) clearInterval(timer);
    } catch {
      // The console may be available again at the next refresh.
    }
  }

  let drawn = "";
  const timer = setInterval(look, Number(watched.dataset.watch) || EVERY);
}
