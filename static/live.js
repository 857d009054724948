// A batch that is on its way: the server draws what changed and pushes it. Without server-sent
// events the page is fetched every few seconds.
import { showCopyButtons } from "./copy.js";

const EVERY = 5000;

export function watchLive() {
  const place = document.getElementById("live");
  if (!place?.dataset.live) return;
  let held;

  // Nothing is replaced under a finger: text being selected, a control in use.
  const isBusy = () =>
    (place.contains(document.activeElement) && document.activeElement !== document.body) ||
    !getSelection().isCollapsed;

  function show(html) {
    held = html;
    if (isBusy()) return;
    place.innerHTML = held;
    held = undefined;
    showCopyButtons(place);
  }

  for (const event of ["focusout", "pointerup", "keyup"]) {
    addEventListener(event, () => setTimeout(() => held !== undefined && show(held), 100));
  }

  async function fetchAgain() {
    try {
      const answer = await fetch(place.dataset.live, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) show(await answer.text());
    } catch {
      // Until the console is back the page shows what it knew.
    }
  }

  if (!("EventSource" in window)) return setInterval(fetchAgain, EVERY);
  const events = new EventSource(place.dataset.events);
  events.addEventListener("live", (event) => show(event.data));
  events.addEventListener("last", (event) => {
    events.close();
    show(event.data);
  });
}
