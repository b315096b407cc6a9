// The models of all runs, with where each came from.
import { api } from "../api.js";
import { el, notice } from "../dom.js";
import * as format from "../format.js";
import { showLineage } from "./lineage.js";
import { pill } from "./runs.js";

export async function show({ view, signal, title }) {
  title("Models");
  view.append(el("div", { class: "head" }, el("h1", {}, "Models")), el("p", { class: "soft" }, "The newest model of each run. A model is named by the SHA-256 of its bytes; a receipt is the ledger’s word that every client was charged before the model got its name."));
  const runs = (await api.get("runs/", signal)).filter(run => run.model !== null);
  if (runs.length === 0) { view.append(el("p", { class: "soft empty" }, "No run has a model yet.")); }
  view.append(...runs.map((run, index) => entry(run, index === 0)));

  function entry(run, isOpen) {
    const place = el("div");
    let asked = false;
    const details = el("details", { class: "panel model", ontoggle: open },
      el("summary", {}, el("span", { class: "name" }, run.name), pill(run.state),
        el("span", { class: "soft" }, `round ${format.count(run.round)} · ${format.bytes(run.model.sizeBytes)} · ${format.date(run.endedAt ?? run.createdAt)}`),
        el("code", { class: "hash", title: run.model.sha256 }, format.short(run.model.sha256))),
      el("p", {}, el("a", { href: `#/runs/${run.runId}` }, "The run")),
      place);
    details.open = isOpen;
    return details;

    async function open() {
      if (!details.open || asked) { return; }
      asked = true;
      try {
        await showLineage(place, run, signal);
      } catch (error) {
        if (error.name !== "AbortError") { place.append(notice(error.text ?? error.message, "bad")); }
      }
    }
  }
}
