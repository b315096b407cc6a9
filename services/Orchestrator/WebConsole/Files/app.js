// Which page is shown, and for whom.
import { api, ApiError, signedOut } from "./api.js";
import { el, fill, notice, say } from "./dom.js";
import { session } from "./session.js";
import { show as client } from "./views/client.js";
import { show as clients } from "./views/clients.js";
import { show as enrolment } from "./views/enrolment.js";
import { show as models } from "./views/models.js";
import { show as newRun } from "./views/new-run.js";
import { show as quarantine } from "./views/quarantine.js";
import { show as run } from "./views/run.js";
import { show as runs } from "./views/runs.js";
import { show as signIn } from "./views/sign-in.js";

const pages = { runs, clients, enrolment, models, quarantine, new: newRun };
// Pages of one thing, by the page of all.
const details = { runs: run, clients: client };
const place = id => document.getElementById(id);
const [view, link, said, nav, leave] = ["view", "link", "said", "pages", "leave"].map(place);
let settings = null;
let who = null;
let current = new AbortController();

/** Read aloud by screen readers, between other things. */
const announce = text => say(said, text);

/** How fresh what is shown is. */
function linked(state) {
  link.className = `link ${state}`;
  say(link, { live: "live", waiting: "reconnecting…", over: "ended" }[state] ?? "");
}

const isIn = () => settings.isOpen || session.bearer !== null;

/** The page that an address names, with what follows its name; the runs for one that names none. */
function addressed() {
  const parts = location.hash.replace(/^#\/?/, "").split("/");
  try {
    const [name, ...rest] = parts.map(decodeURIComponent);
    if (Object.hasOwn(pages, name)) { return [name, rest]; }
  } catch (error) {
    if (!(error instanceof URIError)) { throw error; }
  }
  return ["runs", []];
}

async function open(isFirst = false) {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [name, rest] = addressed();
  nav.hidden = leave.hidden = !isIn();
  leave.hidden ||= session.bearer === null;
  nav.querySelectorAll("a").forEach(a => {
    if (a.hash === `#/${name}`) { a.setAttribute("aria-current", "page"); a.scrollIntoView({ block: "nearest", inline: "nearest" }); } else { a.removeAttribute("aria-current"); }
  });
  linked("");
  fill(view);
  scrollTo(0, 0);
  if (!isFirst) { view.focus({ preventScroll: true }); }
  let isNamed = isFirst;
  const shown = {
    view, signal, settings, announce, linked,
    may: scope => who.scopes.includes(scope),
    title: text => {
      document.title = `${text} – FlEvents`;
      if (!isNamed) { announce(text); }
      isNamed = true;
    },
  };
  try {
    if (!isIn()) { askIn(); return; }
    who ??= await api.session();
    if (signal.aborted) { return; }
    await (rest[0] && details[name] ? details[name] : pages[name])(shown, rest);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") { return; }
    if (!(error instanceof ApiError)) {
      view.append(notice("This page could not be shown: a fault of the console. Load it again.", "bad"));
      throw error;
    }
    if (error.status !== 401) { view.append(notice(error.text, "bad")); }
  }
}

function askIn(reason) {
  current.abort();
  current = new AbortController();
  nav.hidden = leave.hidden = true;
  linked("");
  who = null;
  document.title = "Sign in – FlEvents";
  signIn({ view, reason, announce, done: (bearer, known) => { [session.bearer, who] = [bearer, known]; open(); } });
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
