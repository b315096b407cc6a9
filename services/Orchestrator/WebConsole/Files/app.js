// Which page is shown, and for whom.
import { ApiError, signedOut } from "./api.js";
import { el, fill, notice, say } from "./dom.js";
import { session } from "./session.js";
import { show as clients } from "./views/clients.js";
import { show as models } from "./views/models.js";
import { show as newRun } from "./views/new-run.js";
import { show as quarantine } from "./views/quarantine.js";
import { show as run } from "./views/run.js";
import { show as runs } from "./views/runs.js";
import { show as signIn } from "./views/sign-in.js";

const pages = { runs, run, clients, models, quarantine, new: newRun };
const place = id => document.getElementById(id);
const [view, link, said, nav, leave] = ["view", "link", "said", "pages", "leave"].map(place);
let settings = null;
let current = new AbortController();

/** Read aloud by screen readers, between other things. */
const announce = text => say(said, text);

/** How fresh what is shown is. */
function linked(state) {
  link.className = `link ${state}`;
  say(link, { live: "live", waiting: "reconnecting…", over: "ended" }[state] ?? "");
}

const isIn = () => settings.isOpen || session.bearer !== null;

async function open(isFirst = false) {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const page = name === "runs" && rest[0] ? "run" : pages[name] ? name : "runs";
  nav.hidden = leave.hidden = !isIn();
  leave.hidden ||= session.bearer === null;
  nav.querySelectorAll("a").forEach(a => {
    const isHere = a.hash === `#/${page === "run" ? "runs" : page}`;
    if (isHere) { a.setAttribute("aria-current", "page"); } else { a.removeAttribute("aria-current"); }
  });
  linked("");
  fill(view);
  scrollTo(0, 0);
  if (!isFirst) { view.focus({ preventScroll: true }); }
  const shown = { view, signal, settings, announce, linked, title: text => { document.title = `${text} – FlEvents`; } };
  try {
    await (isIn() ? pages[page](shown, rest) : askIn());
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") { return; }
    if (!(error instanceof ApiError)) { throw error; }
    if (error.status !== 401) { view.append(notice(error.text, "bad")); }
  }
}

function askIn(reason) {
  current.abort();
  current = new AbortController();
  nav.hidden = leave.hidden = true;
  linked("");
  document.title = "Sign in – FlEvents";
  signIn({ view, reason, announce, done: bearer => { session.bearer = bearer; open(); } });
}

signedOut.addEventListener("refused", ({ detail }) => {
  if (!isIn()) { return; }
  const had = session.bearer !== null;
  session.bearer = null;
  askIn(had ? `${detail} Sign in again.` : detail);
});

leave.addEventListener("click", () => {
  session.bearer = null;
  announce("Signed out.");
  open();
});

document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  view.focus();
});

addEventListener("hashchange", () => open());

try {
  const response = await fetch(new URL("settings.json", import.meta.url), { cache: "no-store" });
  settings = await response.json();
  await open(true);
} catch (error) {
  if (settings) { throw error; }
  fill(view, el("h1", {}, "FlEvents"), notice("The Orchestrator cannot be reached. Load this page again once it is there.", "bad"));
}
