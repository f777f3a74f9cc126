/* Countdowns, locks and relative times. Counting goes by the server's clock: the reader's may be minutes off. */
import { all, each, language, say, word } from "./lib.js";

let offset = 0;
const given = Date.parse(document.querySelector('meta[name="bo-now"]')?.content ?? "");
if (given) {
  const [visit] = performance.getEntriesByType("navigation");
  offset = given - (performance.timeOrigin + (visit?.responseStart ?? 0));
}
// The Date header has whole seconds: believe it only when the page's own figure has drifted (sleep, changed clock).
document.addEventListener("htmx:afterRequest", (event) => {
  const date = Date.parse(event.detail.xhr?.getResponseHeader("Date") ?? "");
  if (date && Math.abs(date + 500 - Date.now() - offset) > 1500) offset = date + 500 - Date.now();
});
export const now = () => Date.now() + offset;

function wait(lock, yes) {
  for (const button of all(lock.dataset.scope)) {
    if (yes) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

function tick() {
  for (const node of all("[data-countdown]")) {
    const left = Math.max(0, Math.ceil((Date.parse(node.dateTime) - now()) / 1000));
    const two = (n) => String(n).padStart(2, "0");
    const text = node.dataset.countdown === "seconds" ? String(left) : `${two(Math.floor(left / 60))}:${two(left % 60)}`;
    if (node.textContent !== text) node.textContent = text;
    if (left || node.dataset.ended) continue;
    node.dataset.ended = "1";
    const lock = node.closest("[data-lock]");
    if (lock) {
      wait(lock, false);
      lock.hidden = true;
    }
    say(word(lock ? "lockEnd" : "holdEnd"));
    node.dispatchEvent(new CustomEvent("bo:end", { bubbles: true }));
  }
}

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];
function ago() {
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  for (const node of all("time[data-ago]")) {
    if (!node.title) node.title = node.textContent;
    let span = (Date.parse(node.dateTime) - now()) / 1000;
    for (const [unit, size] of STEPS) {
      if (Math.abs(span) < size) {
        const text = format.format(Math.round(span), unit);
        if (node.textContent !== text) node.textContent = text;
        break;
      }
      span /= size;
    }
  }
}

each((root) => {
  const locks = all("[data-lock]", root).concat(root.matches?.("[data-lock]") ? [root] : []);
  for (const lock of locks) {
    if (lock.dataset.seen) continue;
    lock.dataset.seen = "1";
    wait(lock, true);
    say(word("lockStart"));
  }
  tick();
  ago();
});
setInterval(tick, 1000);
setInterval(ago, 30000);
