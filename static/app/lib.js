/* Small things the modules share. */
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A word of shell/words.html, with {n} and the like filled in. */
export function word(key, values = {}) {
  const text = document.getElementById("bo-words")?.dataset[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Say something to screen readers, politely. */
export function say(text) {
  const live = document.getElementById("bo-live");
  if (!live || !text) return;
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 50);
}

/** Run now, and again for every part that htmx brings in. */
export function each(scan) {
  const run = (root) => scan(root instanceof Element ? root : document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => run());
  else run();
  document.addEventListener("htmx:load", (event) => run(event.detail.elt));
}

/** Load a classic script once. */
const loading = new Map();
export function load(url) {
  if (!loading.has(url)) {
    loading.set(url, new Promise((done, failed) => {
      const css = url.includes(".css");
      const node = document.createElement(css ? "link" : "script");
      if (css) { node.rel = "stylesheet"; node.href = url; } else node.src = url;
      node.onload = done;
      node.onerror = failed;
      // Styles go before ours, so that ours have the last word.
      if (css) document.querySelector('link[rel="stylesheet"][href*="/app/app"]').before(node);
      else document.head.append(node);
    }));
  }
  return loading.get(url);
}

/** Load the files that <body data-…> lists, one after the other: a later one may need an earlier. */
export async function assets(name) {
  for (const url of document.body.dataset[name].split(" ")) await load(url);
}

export const language = () => document.documentElement.lang || "en";
