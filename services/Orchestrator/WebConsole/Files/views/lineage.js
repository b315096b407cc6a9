// Where a model came from: the rounds before it, each with the ledger's receipt for what it was charged.
import { api } from "../api.js";
import { el, fill, say, Table } from "../dom.js";
import * as format from "../format.js";

const hash = text => el("code", { class: "hash", title: text ?? "" }, format.short(text));

const hex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");

/** A button that fetches a run's newest model with the caller's key, and holds its bytes against the name that the run gives them. */
export function download(run, signal) {
  const said = el("span", { class: "soft", role: "status" });
  const button = el("button", { type: "button", onclick: fetchModel }, `Download model (${format.bytes(run.model.sizeBytes)})`);
  return el("div", { class: "download" }, button, said);

  async function fetchModel() {
    button.disabled = true;
    say(said, "Fetching…");
    try {
      // The model may be newer than the page: its name is asked for first, and again where it changed meanwhile.
      const { model, name, round } = await api.get(`runs/${run.runId}`, signal);
      const bytes = await api.blob(`runs/${run.runId}/model`, signal);
      // Browsers hash for pages of safe origins alone (https, or this machine).
      const sha256 = crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", bytes)) : null;
      const isSame = sha256 === model.sha256;
      if (sha256 !== null && !isSame && (await api.get(`runs/${run.runId}`, signal)).model.sha256 !== sha256) {
        throw new Error(`The bytes that came have SHA-256 ${sha256}; the run names ${model.sha256}. Nothing was saved.`);
      }
      const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      const safe = name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, 60) || "model";
      el("a", { href: address, download: `${safe}-${round}.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      say(said, sha256 === null ? "Saved; this browser checks no hash here." : `Saved. SHA-256 ${sha256} is the run’s.`);
    } catch (error) {
      if (error.name !== "AbortError") { say(said, error.text ?? error.message); }
    } finally {
      button.disabled = false;
    }
  }
}

/** The models of a run's completed rounds, the newest first. */
export function lineage(run, done, signal) {
  const table = new Table(`Models of ${run.name}, the newest first`, [
    { title: "After round", head: true, class: "number", cell: ({ round }) => format.count(round.round) },
    { title: "Model (SHA-256)", cell: ({ round }) => hash(round.modelSha256) },
    { title: "From", cell: ({ before, round }) => before ? [hash(before.modelSha256), ` and ${format.plural(round.updatesAdmitted, "update")}`] : `the initial model and ${format.plural(round.updatesAdmitted, "update")}` },
    { title: "Ledger receipt", cell: ({ round }) => round.receipt ? [`entry ${format.count(round.receipt.sequence)} `, hash(round.receipt.hash)] : "–" },
    { title: "Accuracy", class: "number", cell: ({ round }) => format.share((round.evaluation ?? round.federatedEvaluation)?.accuracy, 2) },
  ], "No model has been published yet.");
  table.show(done.map((round, i) => ({ key: round.round, round, before: done[i - 1] })).toReversed());
  return [
    run.model ? el("p", {}, "Newest: ", el("code", { class: "whole" }, run.model.sha256)) : null,
    run.model ? download(run, signal) : null,
    table.element,
    run.eventsHead ? el("p", { class: "soft" }, "Head of the run’s event log: ", el("code", { class: "whole" }, run.eventsHead)) : null,
  ];
}

/** Fills a place with a run's lineage, asked for once. */
export async function showLineage(place, run, signal) {
  const rounds = await api.get(`runs/${run.runId}/rounds`, signal);
  fill(place, lineage(run, rounds.filter(round => round.state === "done"), signal));
}
