// Who is enrolled, and what the data of each has left of its privacy budgets.
import { api, stream } from "../api.js";
import { bar, el, fill, notice, say, Table } from "../dom.js";
import * as format from "../format.js";

const PageSize = 25;
const MostAtOnce = 4;
// The ledger is asked no more often, however fast rounds follow each other.
const Pause = 2000;

export const query = (charge) => {
  const parts = new URLSearchParams({ unit: charge.unit, noiseMultiplier: charge.noiseMultiplier ?? 1 });
  if (charge.samplingProbability !== null && charge.samplingProbability !== undefined) { parts.set("samplingProbability", charge.samplingProbability); }
  if (charge.steps !== null && charge.steps !== undefined) { parts.set("steps", charge.steps); }
  return parts;
};

const columns = [
  { title: "Client", head: true, class: "name", cell: ({ client }) => el("a", { href: `#/clients/${client.clientId}` }, client.clientId) },
  { title: "Worker", cell: ({ client }) => el("span", { class: `state ${client.alive ? "good" : "held"}` }, el("span", { "aria-hidden": "true" }, client.alive ? "●" : "○"), client.alive ? " there" : " silent") },
  { title: "Place", cell: ({ client }) => client.pool === null ? "silo" : `pool ${client.pool}` },
  { title: "Data", cell: ({ client }) => el("span", {}, client.dataSets.map(data => `${data.ledger.dataSet}: ${format.plural(data.exampleCount, data.privacyUnitColumn ? "unit" : "example")}`).join(", ")) },
  { title: "Privacy budget per example", class: "budget", cell: ({ budgets }) => budgetCell(budgets, "example") },
  { title: "Privacy budget per client", class: "budget", cell: ({ budgets }) => budgetCell(budgets, "client") },
];

function budgetCell(budgets, unit) {
  if (budgets === undefined) { return el("span", { class: "soft" }, "…"); }
  if (budgets === null) { return "–"; }
  const found = budgets.flatMap(ledger => ledger.units.filter(known => known.unit === unit).map(known => ({ ledger, known })));
  return found.length === 0 ? el("span", { class: "soft" }, "never charged") : el("div", { class: "budgets" }, found.map(({ ledger, known }) => oneBudget(ledger, known)));
}

function oneBudget(ledger, { unit, budget, unbounded, committed, reserved }) {
  const tasks = ledger.tasksLeft[unit];
  const more = tasks === undefined ? null
    : el("small", {}, tasks === null ? "nothing limits further rounds" : tasks === 0 ? "no further round" : `${format.plural(tasks, "more round")}`);
  if (budget === null) {
    return el("div", {}, el("span", {}, unbounded > 0 ? "no guarantee, no budget set" : "no budget set"), el("small", {}, format.plural(committed + reserved, "charge")));
  }
  const kind = budget.left <= 0.1 ? "bad" : budget.left <= 0.3 ? "warn" : "";
  const name = budget.rho === null ? `ε = ${format.score(budget.epsilon)}` : `ρ = ${format.score(budget.rho)}`;
  return el("div", {},
    bar(1 - budget.left, kind),
    el("span", {}, `ε ${format.score(budget.spentEpsilon)} spent of ${name}, ${format.share(budget.left)} left`),
    more,
    unbounded > 0 ? el("small", { class: "warn" }, "and earlier charges without any guarantee") : null);
}

export async function show({ view, signal, settings, linked, title, may }) {
  title("Clients");
  let [clients, runs, page] = [[], [], 0];
  const budgets = new Map();
  let round = new AbortController();
  const summary = el("p", { class: "soft" });
  const problems = el("div");
  const choice = el("select", { id: "like", onchange: again });
  const search = el("input", { id: "search", type: "search", placeholder: "client, pool, data set", oninput: () => { page = 0; render(); } });
  const table = new Table("Clients and their privacy budgets", columns, "No client is enrolled.", "whole cards");
  const [back, next] = [el("button", { type: "button", class: "quiet", onclick: () => turn(-1) }, "Back"), el("button", { type: "button", class: "quiet", onclick: () => turn(1) }, "Next")];
  const pages = el("p", { class: "pages" }, back, el("span", { role: "status" }), next);
  view.append(
    el("div", { class: "head" }, el("h1", {}, "Clients"), el("label", { class: "search", for: "search" }, el("span", {}, "Find"), search), el("button", { type: "button", class: "quiet", onclick: load }, "Look again")),
    summary, el("p", {}, el("label", { for: "like" }, "Rounds like those of "), choice), problems, table.element, pages,
    el("p", { class: "soft" }, `A bar is the share of a budget that is spent in the ledger’s own measure, which decides what is admitted. ε does not grow in proportion to it.${may("ledger:admin") ? " Budgets are set on a client’s own page." : ""}`));
  await load();

  // A run that goes on charges: what is left is asked for again when its round changes.
  const shown = new Map();
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));
  await stream("runs/events", {
    signal,
    state: linked,
    on: (name, { run }) => {
      if (name !== "run") { return; }
      const before = shown.get(run.runId);
      shown.set(run.runId, run.round);
      if (before !== undefined && before !== run.round && timer === 0) {
        timer = setTimeout(() => { timer = 0; again(); }, Pause);
      }
    },
  });

  async function load() {
    [clients, runs] = await Promise.all([api.get("clients/", signal), api.get("runs/", signal)]);
    const alive = clients.filter(client => client.alive).length;
    say(summary, `${format.plural(clients.length, "client")} enrolled, ${format.count(alive)} with a worker that is there`);
    const private_ = runs.filter(run => run.spec.privacy.mode !== "none");
    const listed = [...private_, ...runs.filter(run => run.spec.privacy.mode === "none")].slice(0, 30);
    const before = choice.value;
    fill(choice, listed.length === 0 ? el("option", { value: "" }, "no run yet") : listed.map(run => el("option", { value: run.runId }, `${run.name} (${run.spec.privacy.mode})`)));
    if (listed.some(run => run.runId === before)) { choice.value = before; }
    again();
  }

  function found() {
    const wanted = search.value.trim().toLowerCase();
    return clients.filter(client => `${client.clientId} ${client.pool ?? "silo"} ${client.dataSets.map(data => data.ledger.dataSet).join(" ")}`.toLowerCase().includes(wanted));
  }

  function turn(by) {
    page += by;
    again();
  }

  function render() {
    const all = found();
    const last = Math.max(0, Math.ceil(all.length / PageSize) - 1);
    page = Math.max(0, Math.min(last, page));
    const here = all.slice(page * PageSize, (page + 1) * PageSize);
    table.show(here.map(client => ({ key: client.clientId, client, budgets: budgets.get(client.clientId), same: JSON.stringify([client, budgets.get(client.clientId)]) })));
    pages.hidden = last === 0;
    back.disabled = page === 0;
    next.disabled = page === last;
    say(pages.children[1], `${format.count(page * PageSize + 1)} to ${format.count(page * PageSize + here.length)} of ${format.count(all.length)}`);
    return here;
  }

  /** Asks the ledger about the clients on this page, a few at a time. */
  async function again() {
    round.abort();
    round = new AbortController();
    const mine = round;
    const stop = AbortSignal.any([signal, mine.signal]);
    const here = render();
    const runId = choice.value;
    try {
      const charges = new Map(runId === "" ? [] : (await api.get(`runs/${runId}/charges`, stop)).map(charge => [charge.clientId, charge.charges]));
      const waiting = [...here];
      fill(problems);
      await Promise.all(Array.from({ length: MostAtOnce }, async () => {
        for (let client = waiting.shift(); client; client = waiting.shift()) {
          budgets.set(client.clientId, await ask(client.clientId, charges.get(client.clientId) ?? [], stop));
          if (!stop.aborted) { render(); }
        }
      }));
    } catch (error) {
      if (error.name === "AbortError" || stop.aborted || error.status === 401) { return; }
      mine.abort();
      here.filter(client => budgets.get(client.clientId) === undefined).forEach(client => budgets.set(client.clientId, null));
      fill(problems, notice(`Budgets cannot be shown: ${error.text ?? error.message}`, "warn"));
      render();
    }
  }

  async function ask(clientId, charges, stop) {
    const at = `${settings.ledgerPath}ledger/clients/${encodeURIComponent(clientId)}`;
    const all = charges.length > 0 ? charges : [{ unit: "example" }, { unit: "client" }];
    const forecasts = await Promise.all(all.map(charge => api.get(`${at}/forecast?${query(charge)}`, stop)));
    // A client that was never charged is unknown to the ledger.
    if (forecasts.every(forecast => forecast.length === 0)) { return []; }
    const { ledgers } = await api.get(at, stop);
    return ledgers.map(ledger => ({
      ...ledger,
      // A task without noise fits no budget, and nothing limits it where there is none.
      tasksLeft: Object.fromEntries(charges.map((charge, i) => {
        const left = forecasts[i].find(forecast => forecast.ledgerId === ledger.ledgerId)?.tasksLeft;
        return [charge.unit, charge.mechanism === "unbounded" ? (left === null || left === undefined ? null : 0) : left];
      })),
    }));
  }
}
