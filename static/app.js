// Progressive enhancement: every page works without these scripts.
import { copyOnPress, showCopyButtons } from "./copy.js";
import { watchLive } from "./live.js";
import { watchPage } from "./watch.js";
import { markRead } from "./read.js";
import { findWhileTyping } from "./search.js";
import { showUpload } from "./upload.js";
import { checkAgainOnChange, insertVariables, nameWhatHappens, previewWhileTyping } from "./preview.js";

const root = document.documentElement;

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  });
}

// Prevents a form from being submitted twice. The server would detect a repeated submission anyway.
// Forms that come later are included.
const submitted = (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
};
document.addEventListener("submit", submitted, true);
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Closes an open menu, and leads back to what opened it.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.project[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Leaves empty filters out of the addresses of lists.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.method !== "get") return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

// Scrolls tabs that do not fit, so that the current one is visible.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.parentElement;
  tabs.scrollLeft = tab.offsetLeft + tab.offsetWidth - tabs.offsetLeft - tabs.clientWidth;
}

document.getElementById("errors")?.focus();
showCopyButtons(document);
copyOnPress();
previewWhileTyping();
insertVariables();
checkAgainOnChange();
nameWhatHappens();
watchLive();
showUpload();
watchPage();
markRead();
findWhileTyping();
