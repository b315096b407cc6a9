// All runs, as they change.
import { stream } from "../api.js";
import { bar, el, say, Table } from "../dom.js";
import * as format from "../format.js";

const shownStates = ["preparing", "running", "paused"];

/** As many as the Orchestrator tells of. */
const Most = 100;

/** The state of a run: colour, sign and word. */
export function pill(state) {
  const { kind, sign, text } = format.runState(state);
  return el("span", { class: `state ${kind}` }, el("span", { "aria-hidden": "true" }, sign), ` ${text}`);
}

export const progress = run => el("span", { class: "progress" }, bar(run.round / run.rounds), el("span", { class: "number" }, `${format.count(run.round)} / ${format.count(run.rounds)}`));

const columns = [
  { title: "Run", head: true, class: "name", cell: ({ run }) => el("a", { href: `#/runs/${run.runId}` }, run.name) },
  { title: "State", cell: ({ run }) => pill(run.state) },
  { title: "Rounds", cell: ({ run }) => progress(run) },
  { title: "Data", class: "optional", cell: ({ run }) => run.spec.data.dataSet },
  { title: "Privacy", class: "optional", cell: ({ run }) => run.spec.privacy.mode },
  { title: "Parameters", class: "number optional", cell: ({ run }) => format.count(run.parameterCount) },
  { title: "Started", cell: ({ run }) => el("time", { datetime: run.createdAt, title: format.time(run.createdAt) }, format.date(run.createdAt)) },
  { title: "Took", class: "number", cell: ({ run }) => run.endedAt ? format.seconds(format.between(run.createdAt, run.endedAt)) : "–" },
];

export async function show({ view, signal, linked, announce, title, may }) {
  title("Runs");
  const runs = new Map();
  const summary = el("p", { class: "soft" }, "Waiting for the Orchestrator…");
  const table = new Table("Runs, the newest first", columns, "No run yet. “New run” makes the first one.", "whole cards");
  const search = el("input", { id: "search", type: "search", placeholder: "name, state, data set", oninput: render });
  view.append(
    el("div", { class: "head" }, el("h1", {}, "Runs"), el("label", { class: "search", for: "search" }, el("span", {}, "Find"), search), el("a", { class: "button", href: "#/new" }, may("runs:write") ? "New run" : "Plan a run")),
    summary, table.element);
  table.element.hidden = true;

  let [drawing, isWhole] = [0, false];
  signal.addEventListener("abort", () => cancelAnimationFrame(drawing));
  await stream("runs/events", {
    signal,
    state: linked,
    on: (name, { run }) => {
      if (name === "whole") { isWhole = true; }
      if (name !== "run") { later(); return; }
      const before = runs.get(run.runId);
      runs.set(run.runId, run);
      if (before && before.state !== run.state) { announce(`${run.name}: ${format.words(run.state)}`); }
      later();
    },
  });

  function later() {
    if (!isWhole) { return; }
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(render);
  }

  function render() {
    const all = [...runs.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    const wanted = search.value.trim().toLowerCase();
    const found = all.filter(run => wanted === "" || `${run.name} ${format.words(run.state)} ${run.spec.data.dataSet} ${run.runId}`.toLowerCase().includes(wanted));
    table.element.hidden = false;
    table.show(found.map(run => ({ key: run.runId, run, same: JSON.stringify([run.name, run.state, run.round, run.parameterCount, run.endedAt]) })));
    const open = all.filter(run => shownStates.includes(run.state)).length;
    say(summary, all.length === 0 ? "" : `${format.plural(open, "run")} under way, ${format.count(all.length - open)} over${wanted === "" ? "" : `; ${format.count(found.length)} found`}${all.length >= Most ? ". Older runs are not listed." : ""}`);
  }
}
