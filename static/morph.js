// Makes a part of the page what the server has drawn, and keeps every node that stays: its focus,
// the text selected in it, and what was typed.
import { isCopyButton } from "./copy.js";

// Makes the children of `now` those of `next`, beginning with the element at `from`. With `more`,
// the children after these stay. In `single` parts, the content of the parts inside is left out.
export function become(now, next, { from = 0, more = false, single = false } = {}) {
  if (from > now.children.length) throw new RangeError(`there is no element ${from}`);
  let at = from ? (now.children[from] ?? null) : now.firstChild;
  for (const wanted of [...next.childNodes]) {
    at = skipOwn(at);
    const kept = find(at, wanted);
    if (!kept) {
      now.insertBefore(wanted, at);
      continue;
    }
    while (at !== kept) at = remove(at);
    update(kept, wanted, single);
    at = kept.nextSibling;
  }
  while (at && !more) at = isOwn(at) ? at.nextSibling : remove(at);
}

// Buttons that the page has added itself are not the server's.
const isOwn = (node) => isCopyButton(node) && node.parentNode.hasAttribute?.("data-copies");

function skipOwn(at) {
  while (at && isOwn(at)) at = at.nextSibling;
  return at;
}

function remove(node) {
  const { nextSibling } = node;
  node.remove();
  return nextSibling;
}

// Returns the node that stays as `wanted`: the next one, or an element further on.
function find(at, wanted) {
  if (!at || isSame(at, wanted)) return at;
  if (wanted.nodeType !== Node.ELEMENT_NODE) return null;
  for (let later = at.nextSibling; later; later = later.nextSibling) {
    if (isSame(later, wanted)) return later;
  }
  return null;
}

const isSame = (node, wanted) => node.nodeName === wanted.nodeName && identity(node) === identity(wanted);

// A form or link that leads elsewhere is another one.
const identity = (node) =>
  node.id || (node.dataset?.part ?? node.dataset?.copy ?? node.getAttribute?.("action") ?? node.getAttribute?.("href"));

function update(node, wanted, single) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== wanted.data) node.data = wanted.data;
    return;
  }
  if (isCopyButton(node) || (single && node.dataset.part)) return;
  for (const { name } of [...node.attributes]) {
    if (!wanted.hasAttribute(name) && name !== "data-sent") node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  become(node, wanted, { single });
}
