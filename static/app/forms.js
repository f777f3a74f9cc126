/* Forms: sent once, guarded while dirty, dates with a calendar, long selects searchable, preferences without a reload. */
import { all, assets, each, language } from "./lib.js";

document.addEventListener("click", (event) => {
  if (event.target.closest?.('[aria-disabled="true"]')) { event.preventDefault(); event.stopPropagation(); }
}, true);

// One press, one submit. The server answers a repeated key with the first result anyway; this spares the wait.
const hold = (button, yes) => yes ? button?.setAttribute("aria-disabled", "true") : button?.removeAttribute("aria-disabled");
const sent = new Set();
document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (form.method !== "post" || form.hasAttribute("data-again")) return;
  delete form.dataset.changed;
  if (event.defaultPrevented || !button) return;
  setTimeout(() => { hold(button, true); sent.add(button); });
});
const release = () => { sent.forEach((button) => hold(button, false)); sent.clear(); };
addEventListener("pageshow", release);
document.addEventListener("htmx:afterRequest", release);

// Unsaved changes
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.hasAttribute("data-guard")) return;
  form.dataset.changed = "1";
  all("[data-dirty]", form).forEach((node) => (node.hidden = false));
  all("[data-savebar]", form).forEach((node) => node.classList.add("bo-dirty"));
});
addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-changed]")) event.preventDefault();
});

// Flatpickr makes 3 March of 31 February and empties a field that it cannot read; here both stay as typed, and are called wrong.
const told = (text, date) => {
  const said = text.match(/\d+/g) || [];
  const is = date && [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes()];
  return is && said.length > 2 && said.slice(0, 5).every((part, at) => Number(part) === is[at]);
};

// ISO text with a calendar: native date inputs follow the browser's locale, not the page's.
document.addEventListener("focusin", async (event) => {
  const input = event.target;
  if (!input.matches?.("[data-datetime]") || input._flatpickr) return;
  await assets("flatpickr");
  if (input._flatpickr) return;
  const day = input.dataset.datetime === "date";
  const dateFormat = day ? "Y-m-d" : "Y-m-d H:i";
  const parseDate = (text) => { const date = window.flatpickr.parseDate(text, dateFormat); return told(text, date) ? date : undefined; };
  let typed = "";
  input.addEventListener("blur", () => { typed = input.value; });
  input.addEventListener("keydown", (event) => event.key === "Enter" && !parseDate(input.value) && event.stopImmediatePropagation());
  const picker = window.flatpickr(input, {
    allowInput: true, disableMobile: true, enableTime: !day, time_24hr: true, dateFormat, parseDate, errorHandler: () => {},
    locale: language().startsWith("zh") ? "zh" : "default", onChange: () => input.dispatchEvent(new Event("input", { bubbles: true })),
  });
  input.addEventListener("blur", () => { if (!input.value && typed) input.value = typed; });
  // With text allowed in it, flatpickr leaves Escape to the page.
  input.addEventListener("keydown", (event) => event.key === "Escape" && picker.close());
  if (document.activeElement === input) picker.open();
});

each(async (root) => {
  const selects = all("select[data-search]", root);
  if (!selects.length) return;
  await assets("tomselect");
  for (const select of selects) {
    if (select.tomselect) continue;
    new window.TomSelect(select, { plugins: select.multiple ? ["remove_button"] : [], maxOptions: 500 });
    select.setAttribute("aria-hidden", "true"); // the label speaks for the new control now
    const about = select.getAttribute("aria-describedby");
    if (about) select.tomselect.control_input.setAttribute("aria-describedby", about);
  }
});

// Fields judged while a form is typed. A field is as wrong as the region that speaks of it says, whoever wrote the region last; what is
// still being typed is judged when it is left, not because something else was; and parts of one field are judged when all are left.
const spoken = (region) => all(`[aria-describedby~="${region.id}"]`);
let typing = null;
document.addEventListener("htmx:confirm", (event) => {
  const group = event.target;
  if (group.matches(".bo-segment") && (!group.open || group.contains(document.activeElement))) event.preventDefault();
});
document.addEventListener("htmx:beforeRequest", ({ target }) => { if (target.id === "live_id_figures") typing = document.activeElement; });
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const region = event.detail.target, fields = region.id.startsWith("live_id_") ? spoken(region) : [];
  if (fields.includes(document.activeElement) || fields.includes(typing)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSettle", () => {
  for (const region of all('[id^="live_id_"]')) {
    const wrong = !!region.querySelector("li");
    for (const field of spoken(region)) {
      // Of many parts, those that hold something: the empty ones ask for nothing.
      const here = !field.closest(".bo-segment") || (field.type === "checkbox" ? field.checked : field.value);
      wrong && here ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    }
  }
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-theme-form]"), choice = event.submitter?.value;
  if (!form || !choice) return;
  event.preventDefault();
  document.documentElement.dataset.theme = choice;
  document.dispatchEvent(new Event("bo:theme"));
  all('[data-theme-form] [name="theme"]').forEach((b) => b.setAttribute("aria-pressed", String(b.value === choice)));
  const body = new FormData(form);
  body.set("theme", choice);
  await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {});
}, true);
