/* Keyboard: Ctrl/Cmd+K goes places and does nothing else; single keys move in a list. No key ends a campaign. */
import { all, word } from "./lib.js";

const palette = document.getElementById("bo-palette"), help = document.getElementById("bo-keys");
const input = palette?.querySelector("input"), list = palette?.querySelector("ul");
let at = 0;

function places(text) {
  const wanted = text.trim().toLowerCase(), seen = new Set();
  const found = all("[data-palette]").map((link) => ({ url: link.href, label: link.textContent.trim(), group: link.dataset.palette }))
    .filter(({ url, label, group }) => !seen.has(url) && seen.add(url) && `${label} ${group}`.toLowerCase().includes(wanted));
  if (wanted && palette.dataset.search) {
    found.push({ url: `${palette.dataset.search}?q=${encodeURIComponent(text.trim())}`, label: palette.dataset.searchWord.replace("{q}", text.trim()), group: "" });
  }
  return found.slice(0, 50);
}

function mark(next) {
  const options = all("[role=option]", list);
  at = options.length ? (next + options.length) % options.length : 0;
  options.forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
  options[at]?.scrollIntoView({ block: "nearest" });
  if (options[at]) input.setAttribute("aria-activedescendant", options[at].id);
  else input.removeAttribute("aria-activedescendant");
}

function fill() {
  const found = places(input.value);
  list.replaceChildren(...found.map(({ url, label, group }, i) => {
    const option = document.createElement("li");
    option.id = `bo-place-${i}`;
    option.setAttribute("role", "option");
    option.className = "bo-menu-item";
    option.dataset.url = url;
    option.append(label);
    if (group) {
      const note = document.createElement("span");
      note.className = "bo-muted";
      note.textContent = group;
      option.append(note);
    }
    return option;
  }));
  if (!found.length) {
    const none = document.createElement("li");
    none.className = "bo-menu-text bo-muted";
    none.setAttribute("role", "option");
    none.setAttribute("aria-disabled", "true");
    none.textContent = word("nothing");
    list.append(none);
  }
  mark(0);
}

function open() {
  if (!palette || palette.open) return;
  input.value = "";
  fill();
  palette.showModal();
  input.focus();
}

const go = () => { const url = list.children[at]?.dataset.url; if (url) location.href = url; };
input?.addEventListener("input", fill);
input?.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move) { event.preventDefault(); mark(at + move); }
  if (event.key === "Enter") { event.preventDefault(); go(); }
});
list?.addEventListener("click", (event) => {
  const option = event.target.closest("[data-url]");
  if (option) location.href = option.dataset.url;
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-palette-open]")) open();
  if (event.target.matches?.("dialog.bo-dialog")) event.target.close();
});

const typing = (node) => node?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const current = () => document.activeElement?.closest?.("[data-rows] tbody tr") ?? document.querySelector("tr.bo-at");

function row(step) {
  const rows = all("[data-rows] tbody tr"), next = rows[rows.indexOf(current()) + step] ?? (current() || rows[0]);
  if (!next) return;
  all("tr.bo-at").forEach((tr) => tr.classList.remove("bo-at"));
  next.classList.add("bo-at");
  (next.querySelector("th a, td a, input") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => row(1),
  k: () => row(-1),
  x: () => current()?.querySelector("[data-bulk-row]")?.click(),
  e: () => (current() ?? document).querySelector("[data-key-e]")?.click(),
  p: () => (current() ?? document).querySelector("[data-key-p]")?.click(),
  "/": () => { const field = document.querySelector("main [role=search] input:not([type=hidden])"); field ? field.focus() : open(); },
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return open();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.documentElement.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return;
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});
