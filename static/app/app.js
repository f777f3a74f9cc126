/* The entry: everything is delegated or idempotent, so swapped-in parts need no set-up of their own. */
import "./time.js";
import "./forms.js";
import "./bulk.js";
import "./keys.js";
import "./ui.js";
document.documentElement.dataset.ready = "1";
