/* Says so when something in this browser breaks the page: styles or scripts that were stopped, parts that were hidden, calls that never left.
   A classic file of its own, so that it still speaks when the modules are stopped. */
(function () {
  function tell() {
    var box = document.getElementById("bo-blocked");
    if (box) box.hidden = false;
  }
  function hidden(part) {
    return !part.closest("[hidden], details:not([open]), dialog, template") && getComputedStyle(part).display === "none";
  }
  function look() {
    if (!getComputedStyle(document.documentElement).getPropertyValue("--bo-bg")) return tell();
    if (!window.htmx || !document.documentElement.dataset.ready) return tell();
    var parts = document.querySelectorAll("main, main .bo-panel");
    for (var i = 0; i < parts.length; i++) if (hidden(parts[i])) return tell();
  }
  addEventListener("load", function () { setTimeout(function () { look(); document.documentElement.dataset.looked = "1"; }, 400); });
  document.addEventListener("htmx:sendError", function () {
    // The server answers, but the page's own call did not get out.
    fetch("/healthz", { cache: "no-store" }).then(function (answer) { if (answer.ok) tell(); }, function () {});
  });
})();
