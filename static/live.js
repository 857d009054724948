// A batch that is being sent: the server renders what changed and pushes it. Without server-sent
// events, or while a proxy does not let them through, it is fetched every few seconds.
import { showCopyButtons } from "./copy.js";

const EVERY = 5000;

export function watchLive() {
  const place = document.getElementById("live");
  if (!place?.dataset.live) return;
  const stale = document.getElementById("stale");
  const said = stale.querySelector("[role=status]");
  let held;

  // Nothing is replaced while text is selected or a control is in use.
  const isBusy = () =>
    (place.contains(document.activeElement) && document.activeElement !== document.body) ||
    !getSelection().isCollapsed;

  function show(html) {
    stale.hidden = true;
    held = html;
    if (isBusy()) return;
    place.innerHTML = held;
    held = undefined;
    showCopyButtons(place);
  }

  function say(sentence) {
    stale.hidden = false;
    said.textContent = sentence;
  }

  for (const event of ["focusout", "pointerup", "keyup"]) {
    addEventListener(event, () => setTimeout(() => held !== undefined && show(held), 100));
  }

  // Returns whether to go on: not after the login session has ended.
  async function fetchOnce() {
    try {
      const answer = await fetch(place.dataset.live, { credentials: "same-origin" });
      if (answer.redirected) {
        say(said.dataset.signedOut);
        return false;
      }
      if (answer.ok) {
        show(await answer.text());
        return true;
      }
    } catch {
      // The page keeps its content until the console is available again.
    }
    say(said.dataset.stale);
    return true;
  }

  const goOn = "EventSource" in window ? follow : fetchAndGoOn;

  async function fetchAndGoOn() {
    if (await fetchOnce()) setTimeout(goOn, EVERY);
  }

  function follow() {
    const events = new EventSource(place.dataset.events);
    events.addEventListener("live", (event) => show(event.data));
    events.addEventListener("last", (event) => {
      events.close();
      show(event.data);
    });
    events.addEventListener("error", () => {
      // The answer was no stream, but a proxy's error or the sign-in page.
      if (events.readyState === EventSource.CLOSED) return fetchAndGoOn();
      // Otherwise the browser connects again by itself.
      setTimeout(() => events.readyState === EventSource.CONNECTING && say(said.dataset.stale), EVERY);
    });
  }

  goOn();
}
