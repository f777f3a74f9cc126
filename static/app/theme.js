/* Blocking and tiny, so that no page flashes in the wrong brightness. The choice itself comes from the server. */
(function () {
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    var choice = root.dataset.theme;
    root.dataset.bsTheme = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
  }
  root.classList.add("bo-js");
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("bo:theme", apply);
})();
