// Where a model came from: the rounds before it, each with the ledger's receipt for what it was charged.
import { api } from "../api.js";
import { el, fill, say, Table } from "../dom.js";
import * as format from "../format.js";

const hash = text => el("code", { class: "hash", title: text ?? "" }, format.short(text));

const hex = buffer => Array.from(new Uint8Array(buffer), byte => byte.toString(16).padStart(2, "0")).join("");

/** A button that fetches a run's newest model with the caller's key, and holds its bytes against the name that the run gives them. It stays while the run goes on. */
class Download {
  constructor(signal) {
    this.signal = signal;
    this.said = el("span", { class: "soft", role: "status" });
    this.button = el("button", { type: "button", onclick: () => this.fetch() });
    this.element = el("div", { class: "download", hidden: true }, this.button, this.said);
  }

  show(run) {
    this.runId = run.runId;
    this.element.hidden = run.model === null;
    if (run.model) { say(this.button, `Download model (${format.bytes(run.model.sizeBytes)})`); }
  }

  async fetch() {
    const { button, said, signal, runId } = this;
    button.disabled = true;
    say(said, "Fetching…");
    try {
      // The model may be newer than the page: its name is asked for first, and again where it changed meanwhile.
      const { model, name, round } = await api.get(`runs/${runId}`, signal);
      const bytes = await api.blob(`runs/${runId}/model`, signal);
      // Browsers hash for pages of safe origins alone (https, or this machine).
      const sha256 = crypto.subtle ? hex(await crypto.subtle.digest("SHA-256", bytes)) : null;
      const isSame = sha256 === model.sha256;
      if (sha256 !== null && !isSame && (await api.get(`runs/${runId}`, signal)).model.sha256 !== sha256) {
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
      if (document.activeElement === document.body) { button.focus(); }
    }
  }
}

/** The models of a run's completed rounds, the newest first, and the newest to take home. */
export class Lineage {
  constructor(signal, mostRows = Infinity) {
    this.mostRows = mostRows;
    this.newest = el("code", { class: "whole" });
    this.name = el("p", { hidden: true }, "Newest: ", this.newest);
    this.download = new Download(signal);
    this.table = new Table("Models of the run, the newest first", [
      { title: "After round", head: true, class: "number", cell: ({ round }) => format.count(round.round) },
      { title: "Model (SHA-256)", cell: ({ round }) => hash(round.modelSha256) },
      { title: "From", cell: ({ before, round }) => before ? [hash(before.modelSha256), ` and ${format.plural(round.updatesAdmitted, "update")}`] : `the initial model and ${format.plural(round.updatesAdmitted, "update")}` },
      { title: "Ledger receipt", cell: ({ round }) => round.receipt ? [`entry ${format.count(round.receipt.sequence)} `, hash(round.receipt.hash)] : "–" },
      { title: "Accuracy", class: "number", cell: ({ round }) => format.share((round.evaluation ?? round.federatedEvaluation)?.accuracy, 2) },
    ], "No model has been published yet.");
    this.element = el("div", {}, this.name, this.download.element, this.table.element);
  }

  /** @param done Completed rounds in order. */
  show(run, done) {
    this.name.hidden = run.model === null;
    say(this.newest, run.model?.sha256 ?? "");
    this.download.show(run);
    const first = Math.max(0, done.length - this.mostRows);
    this.table.show(done.slice(first).map((round, i) => ({ key: round.round, round, before: done[first + i - 1], same: JSON.stringify(round) })).toReversed());
  }
}

/** Fills a place with a run's lineage, asked for once. */
export async function showLineage(place, run, signal) {
  const rounds = await api.get(`runs/${run.runId}/rounds`, signal);
  const lineage = new Lineage(signal);
  lineage.show(run, rounds.filter(round => round.state === "done"));
  fill(place, lineage.element);
}
