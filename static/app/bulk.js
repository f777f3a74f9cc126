/* Batch bar: rows ticked -> "3 selected"; a whole page ticked -> offer all that match. Without it the boxes just submit. */
import { all, each, word } from "./lib.js";

const rows = (form) => all(`input[data-bulk-row][form="${form.id}"]`);

function show(form) {
  const boxes = rows(form), picked = boxes.filter((box) => box.checked), whole = boxes.length > 0 && picked.length === boxes.length;
  const everything = form.querySelector("[data-bulk-all]"), page = document.querySelector("[data-bulk-page]");
  if (everything) {
    if (!whole) everything.checked = false;
    everything.closest("label").hidden = !whole;
  }
  if (page) {
    page.checked = whole;
    page.indeterminate = !whole && picked.length > 0;
  }
  boxes.forEach((box) => box.closest("tr")?.classList.toggle("bo-picked", box.checked));
  const n = everything?.checked ? form.dataset.total : picked.length;
  form.hidden = !picked.length;
  const count = form.querySelector("[data-bulk-count]");
  if (count) count.textContent = word("selected", { n });
}

let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (box.matches?.("[data-bulk-row]")) {
    const boxes = rows(box.form), from = boxes.indexOf(last), to = boxes.indexOf(box);
    if (event.shiftKey && from >= 0) boxes.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((b) => (b.checked = box.checked));
    last = box;
    show(box.form);
  } else if (box.matches?.("[data-bulk-page]")) {
    const form = document.querySelector("[data-bulk]");
    rows(form).forEach((b) => (b.checked = box.checked));
    show(form);
  } else if (box.closest?.("[data-bulk-none]")) {
    const form = box.closest("form");
    rows(form).forEach((b) => (b.checked = false));
    show(form);
    document.querySelector("[data-bulk-page]")?.focus();
  } else if (box.matches?.("[data-bulk-all]")) show(box.form);
});
document.addEventListener("change", (event) => event.target.matches?.("[data-bulk-row]") && show(event.target.form));
each(() => all("form[data-bulk]").forEach(show));
addEventListener("pageshow", () => all("form[data-bulk]").forEach(show));
