// What a run would cost, before it is started.
import { api } from "../api.js";
import { Chart, kinds } from "../chart.js";
import { el, fill, Figures, notice, Table } from "../dom.js";
import * as format from "../format.js";
import { query } from "./clients.js";

const columns = [
  { title: "Round", head: true, class: "number", cell: ({ row }) => format.count(row.round) },
  { title: "Tasks", class: "number", cell: ({ row }) => format.count(row.tasks) },
  { title: "Ledger", class: "number", cell: ({ row }) => format.score(row.filter) },
  { title: "RDP", class: "number", cell: ({ row }) => format.score(row.rdp) },
  { title: "PLD", class: "number", cell: ({ row }) => format.score(row.pld) },
  { title: "zCDP", class: "number", cell: ({ row }) => format.score(row.zcdp) },
];

const unitNames = { example: "An example", client: "A client’s data" };

export class Plan {
  constructor(settings, signal) {
    this.settings = settings;
    this.signal = signal;
    this.figures = new Figures();
    this.units = el("div");
    this.body = el("div", { hidden: true }, this.figures.element, this.units);
    this.empty = el("p", { class: "soft" }, "The plan is shown here once everything fits the schema.");
    this.element = el("section", { class: "panel plan", "aria-labelledby": "h-plan" }, el("h2", { id: "h-plan" }, "Plan"), this.empty, this.body);
    this.charts = new AbortController();
    signal.addEventListener("abort", () => this.charts.abort());
  }

  clear() {
    this.charts.abort();
    this.body.hidden = true;
    this.empty.hidden = false;
  }

  show(plan) {
    this.charts.abort();
    this.charts = new AbortController();
    this.body.hidden = false;
    this.empty.hidden = true;
    const examples = plan.fewestExamples === plan.mostExamples ? format.count(plan.mostExamples) : `${format.count(plan.fewestExamples)} to ${format.count(plan.mostExamples)}`;
    this.figures.show([
      { name: "Clients", value: format.count(plan.clients), note: `${examples} ${plan.privacyUnitColumn ? "privacy units" : "examples"} each` },
      { name: "Tasks", value: `${format.count(plan.rounds)} × ${format.count(plan.cohort)}`, note: "rounds × clients of a round" },
      { name: "Traffic", value: format.bytes(plan.traffic.down + plan.traffic.up), note: `${format.bytes(plan.traffic.downPerRound + plan.traffic.upPerRound)} a round; model ${format.bytes(plan.traffic.modelBytes)}` },
      {
        name: "Time", value: plan.earlier ? format.seconds(plan.earlier.runSeconds) : "not known",
        note: plan.earlier ? `${format.seconds(plan.earlier.roundSeconds)} a round in an earlier run alike` : "no earlier run alike",
      },
    ]);
    fill(this.units,
      plan.roundsDone < plan.rounds ? notice(`With the clients that are there only ${format.count(plan.roundsDone)} of ${format.count(plan.rounds)} rounds would be done: too few take part.`) : null,
      plan.units.map(unit => this.unit(plan, unit)));
  }

  unit(plan, unit) {
    const name = unitNames[unit.unit] ?? unit.unit;
    if (unit.guarantee === "unbounded") {
      return el("div", { class: "unit" }, el("h3", {}, name), el("p", { class: "warn" }, "No guarantee: no finite ε holds."));
    }
    const last = unit.spending.at(-1);
    const chart = new Chart(`ε by round, at δ = ${format.score(unit.delta)}`, `${unit.clientId}, who is charged most`, kinds.epsilon, this.charts.signal, 150);
    chart.show(unit.spending.map(row => row.round), [
      { label: "Ledger’s filter", colour: "--first", values: unit.spending.map(row => row.filter) },
      { label: "Fixed schedule (PLD)", colour: "--second", dash: [5, 5], values: unit.spending.map(row => row.pld) },
    ]);
    const table = new Table(`ε of ${name.toLowerCase()} by round`, columns, "");
    table.show(unit.spending.map(row => ({ key: row.round, row })));
    const budget = el("p", { class: "soft" }, "Asking the ledger…");
    this.budget(budget, unit);
    return el("div", { class: "unit" },
      el("h3", {}, name), el("p", {}, "ε = ", el("strong", {}, format.score(last.filter)), ` after ${format.plural(last.tasks, "task")}, as the ledger counts it; ${format.score(last.pld)} for the fixed schedule.`),
      budget, chart.element, el("details", {}, el("summary", {}, "By each accountant"), table.element));
  }

  // What is left is the ledger's to say, of what its owner has allowed.
  async budget(place, unit) {
    const { signal } = this.charts;
    try {
      const forecasts = await api.get(`${this.settings.ledgerPath}ledger/clients/${encodeURIComponent(unit.clientId)}/forecast?${query(unit.charge)}`, signal);
      const limits = forecasts.map(forecast => forecast.tasksLeft).filter(left => left !== null);
      const left = limits.length > 0 ? Math.min(...limits) : null;
      place.className = left !== null && left < unit.tasks ? "warn" : "soft";
      fill(place, forecasts.length === 0 ? `The data of ${unit.clientId} was never charged yet: what its budget allows is seen with its first round.`
        : left === null ? `The data of ${unit.clientId} has no budget: nothing limits it.`
          : left < unit.tasks ? `Its budget allows ${format.plural(left, "more task")} like the first; this run wants ${format.count(unit.tasks)}. The ledger will refuse the rest.`
            : `Its budget allows ${format.plural(left, "more task")} like the first; this run wants ${format.count(unit.tasks)}.`);
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) { fill(place, `What its budget allows cannot be shown: ${error.text ?? error.message}`); }
    }
  }
}
