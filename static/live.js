// A batch that is being sent: the server renders what changed and pushes it. Without server-sent
// events it is fetched every few seconds.
import { showCopyButtons } from "./copy.js";

const EVERY = 5000;

export function watchLive() {
  const place = document.getElementById("live");
  if (!place?.dataset.live) return;
  let held;

  // Nothing is replaced while text is selected or a control is in use.
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
      // The page keeps its content until the console is available again.
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
