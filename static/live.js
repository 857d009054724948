// A batch that is on its way: the server says that its sum has changed, and the part that changed
// is fetched. Without server-sent events it is fetched every few seconds.
import { showCopyButtons } from "./copy.js";

export function watchLive() {
  const place = document.getElementById("live");
  if (!place?.dataset.live) return;
  let waiting = false;
  let behind = false;

  async function fetchAgain() {
    if (waiting) {
      behind = true;
      return;
    }
    waiting = true;
    behind = false;
    try {
      const answer = await fetch(place.dataset.live + location.search, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected && !isBusy()) replace(await answer.text());
    } catch {
      // The next event comes soon; until then the page shows what it knew.
    }
    setTimeout(() => {
      waiting = false;
      if (behind) fetchAgain();
    }, 500);
  }

  // Nothing is replaced under a finger: text being selected, a control in use.
  function isBusy() {
    return place.contains(document.activeElement) || !getSelection().isCollapsed;
  }

  function replace(html) {
    place.innerHTML = html;
    showCopyButtons(place);
  }

  const events = new EventSource(place.dataset.events);
  events.addEventListener("tally", (event) => {
    fetchAgain();
    if (JSON.parse(event.data).open === 0) {
      events.close();
      setTimeout(fetchAgain, 700);
    }
  });
}
