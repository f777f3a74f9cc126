/* Menus, drawer, copying, focus after swaps, failures that say so. */
import { all, each, language, say, word } from "./lib.js";

// Menus are <details>: one open at a time, Escape and a click elsewhere close them.
const close = (except) => all("details[data-menu][open]").forEach((menu) => menu !== except && (menu.open = false));
document.addEventListener("click", (event) => {
  close(event.target.closest?.("details[data-menu]"));
  const fill = event.target.closest?.("[data-fill]");
  if (fill) {
    for (const pair of [fill.dataset.fill, fill.dataset.fillAlso]) {
      const [selector, value] = pair.split(/=(.*)/s);
      document.querySelector(selector).value = value;
    }
    document.querySelector("form[method=post] .bo-btn-primary")?.focus();
  }
  const copy = event.target.closest?.("[data-copy]");
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      say(word("copied"));
      const before = copy.lastChild;
      const text = before.textContent;
      before.textContent = word("copied");
      setTimeout(() => (before.textContent = text), 1500);
    });
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-menu][open]");
  if (menu) { close(); menu.querySelector("summary").focus(); }
  else if (location.hash === "#bo-nav") drawer(false);
});
// A menu inside a scrolling table would be cut off: pin it to the window.
document.addEventListener("toggle", (event) => {
  const menu = event.target, cell = menu.closest?.(".bo-table-wrap td");
  if (!menu.matches?.("details[data-menu]") || !cell) return;
  cell.style.zIndex = menu.open ? 5 : "";
  if (!menu.open) return;
  const sheet = menu.querySelector(".bo-menu-list"), box = menu.getBoundingClientRect();
  const below = box.bottom + 4 + sheet.offsetHeight < innerHeight;
  Object.assign(sheet.style, {
    position: "fixed", right: `${document.documentElement.clientWidth - box.right}px`, left: "auto",
    top: below ? `${box.bottom + 4}px` : `${Math.max(4, box.top - 4 - sheet.offsetHeight)}px`,
  });
}, true);
addEventListener("scroll", (event) => { if (event.target !== document || document.querySelector(".bo-table-wrap [data-menu][open]")) close(); }, true);

// The drawer works by #bo-nav alone; this adds focus and the way back.
function drawer(open) {
  location.hash = open ? "#bo-nav" : "#main";
  document.querySelector(open ? "[data-nav-close]" : "[data-nav-open]")?.focus({ preventScroll: true });
}
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-nav-open], [data-nav-close]");
  if (opener) { event.preventDefault(); drawer(opener.matches("[data-nav-open]")); }
  else if (location.hash === "#bo-nav" && !event.target.closest?.("#bo-nav")) drawer(false);
});

// Busy, and focus after a swap: to what asks for it, else to the control that stood there before.
const polls = (elt) => elt?.getAttribute?.("hx-trigger")?.startsWith("every");
document.addEventListener("htmx:beforeRequest", ({ detail }) => { if (!polls(detail.elt)) detail.target?.setAttribute("aria-busy", "true"); });
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.target?.removeAttribute("aria-busy"));
let before = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = event, active = document.activeElement;
  // A refusal that says where it wants to stand is shown there; a whole page (signed out meanwhile) is loaded as one.
  if (detail.xhr.status >= 400 && detail.xhr.getResponseHeader("HX-Retarget")) { detail.shouldSwap = true; detail.isError = false; }
  else if (detail.serverResponse?.includes("data-bo-door")) { detail.shouldSwap = false; location.reload(); return; }
  before = detail.target?.contains(active) ? { id: active.id, name: active.name, href: active.getAttribute("href") } : null;
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const part = detail.elt, asked = part?.querySelector?.("[data-focus]");
  if (asked) asked.focus();
  else if (before && document.activeElement === document.body) {
    const same = (before.id && document.getElementById(before.id)) || (before.name && document.querySelector(`[name="${CSS.escape(before.name)}"]`))
      || (before.href && document.querySelector(`a[href="${CSS.escape(before.href)}"]`)) || document.querySelector("main h1");
    same?.focus({ preventScroll: true });
  }
  before = null;
  progress();
});
each((root) => { if (root === document) document.querySelector("[data-focus]")?.focus(); });

// Progress is said at each quarter, not at each tick.
const said = new Map();
function progress() {
  for (const bar of all("progress[data-say]")) {
    const quarter = Math.floor((4 * bar.value) / bar.max) * 25, key = bar.getAttribute("aria-label");
    if (quarter > (said.get(key) ?? 0)) say(`${key}: ${word("progress", { n: quarter })}`);
    said.set(key, quarter);
  }
}

// A request that failed: code, time, a way to try again. Polls try again by themselves.
function failed(event, code) {
  const { elt } = event.detail;
  if (polls(elt)) return;
  const holder = document.getElementById("bo-alerts"), note = document.getElementById("bo-failed")?.content.cloneNode(true);
  if (!note || !holder) return;
  note.querySelector("[data-code]").textContent = code;
  note.querySelector("[data-time]").textContent = new Date().toLocaleTimeString(language());
  note.querySelector("[data-retry]").addEventListener("click", () => {
    holder.replaceChildren();
    const [verb, url] = ["get", "post"].map((v) => [v, elt.getAttribute(`hx-${v}`)]).find(([, u]) => u) ?? [];
    if (elt.isConnected && verb === "get") window.htmx.trigger(elt, elt.matches("form") ? "submit" : "click");
    else if (url && elt.requestSubmit) elt.requestSubmit();
    else location.reload();
  });
  note.querySelector("[data-close]").addEventListener("click", () => holder.replaceChildren());
  holder.replaceChildren(note);
}
document.addEventListener("htmx:responseError", (event) => failed(event, event.detail.xhr.status));
document.addEventListener("htmx:sendError", (event) => failed(event, word("offline")));
document.addEventListener("htmx:timeout", (event) => failed(event, word("offline")));

// A row of tabs wider than a phone begins at the one that is open.
for (const tab of document.querySelectorAll(".bo-tabs [aria-current]")) {
  tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
}
