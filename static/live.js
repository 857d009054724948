// A batch that is being sent: the server renders what changed and pushes it. While that does not
// come through, the whole part is fetched every few seconds, and the page says so.
import { showCopyButtons } from "./copy.js";
import { become } from "./morph.js";

// How long to wait before the next attempt.
const EVERY = 5000;
// How long to wait for an answer.
const PATIENCE = 10000;
// The server says something every five seconds; a stream that is silent for longer is held somewhere.
const SILENT = 15000;

export function watchLive() {
  const place = document.getElementById("live");
  if (place?.dataset.live) watch(place);
}

async function watch(place) {
  let stream = place.dataset.events;
  while (!(await follow(place, stream))) {
    say("interrupted");
    // From now on the page shows something else than when it was loaded.
    stream = stream.split("?")[0];
    const problem = await fetchWhole(place);
    say(problem || "interrupted");
    if (problem === "signedOut" || problem === "noAccess") return;
    await new Promise((goOn) => setTimeout(goOn, EVERY));
  }
}

// Follows the stream. Returns whether the batch is complete, or `false` if the stream broke or is held.
async function follow(place, address) {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const answer = await fetch(address, { credentials: "same-origin", signal: stop.signal });
    if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return false;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let received = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), SILENT);
      say();
      const events = (received + value).split("\n\n");
      received = events.pop();
      for (const event of events) {
        if (event.startsWith("event: last")) return true;
        if (event.startsWith("event: live")) show(place, event);
      }
    }
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

// Shows the new content of parts.
function show(place, event) {
  const lines = event.split("\n").filter((line) => line.startsWith("data: "));
  const [head, ...html] = lines.map((line) => line.slice("data: ".length));
  const { parts, from, more } = JSON.parse(head);
  const drawn = draw(html.join("\n"));
  const all = new Map(Array.from(place.querySelectorAll("[data-part]"), (part) => [part.dataset.part, part]));
  keepingFocus(() => {
    for (const name of parts.split(" ")) {
      become(all.get(name), drawn.cloneNode(true), { from, more, single: true });
      showCopyButtons(all.get(name));
    }
  });
}

// Fetches everything anew. Returns what went wrong, if anything did.
async function fetchWhole(place) {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(place.dataset.live, { credentials: "same-origin", signal });
    if (answer.redirected) return "signedOut";
    if (answer.status === 403 || answer.status === 404) return "noAccess";
    if (!answer.ok) return "stale";
    const drawn = draw(await answer.text());
    keepingFocus(() => become(place, drawn));
    showCopyButtons(place);
  } catch {
    return "stale";
  }
}

function draw(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// If the element that has the focus goes, the page goes on from its main part.
function keepingFocus(change) {
  const { activeElement } = document;
  change();
  if (!activeElement.isConnected) document.getElementById("main").focus({ preventScroll: true });
}

// Says why the page may be out of date, or nothing once it is not.
function say(what) {
  const stale = document.getElementById("stale");
  stale.hidden = !what;
  const said = stale.querySelector("[role=status]");
  const sentence = what ? said.dataset[what] : "";
  if (said.textContent !== sentence) said.textContent = sentence;
}
