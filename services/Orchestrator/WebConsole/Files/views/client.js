// One client: what data it holds, what of its budgets is spent, and setting them.
import { api } from "../api.js";
import { bar, el, field, fill, notice, say, section, sureButton } from "../dom.js";
import * as format from "../format.js";

const units = { example: "per example", client: "per client" };
const identity = ({ owner, dataSet, partitionRule, partitionSeed, partitionIndex }) => [owner, dataSet, partitionRule, partitionSeed, partitionIndex].join("\n");

export async function show({ view, signal, settings, announce, title, may }, [clientId]) {
  title(clientId);
  const place = el("div");
  const problems = el("div");
  view.append(el("p", {}, el("a", { href: "#/clients" }, "All clients")), el("div", { class: "head" }, el("h1", {}, clientId)), problems, place);
  const client = (await api.get("clients/", signal)).find(known => known.clientId === clientId);
  if (!client) { fill(problems, notice(`No client ${clientId} takes part: it is suspended, has left, or was never enrolled.`)); }
  const known = await ledgers();
  const all = new Map((client?.dataSets ?? []).map(data => [identity(data.ledger), { ledger: data.ledger, data, units: [] }]));
  known.forEach(ledger => all.set(identity(ledger.ledger), { ...all.get(identity(ledger.ledger)), ...ledger }));
  if (client) {
    place.append(el("dl", { class: "facts" },
      fact("Worker", client.alive ? "there" : "silent"), fact("Comes", client.isEdge ? "over HTTPS" : client.pool === null ? "as a silo" : `from pool ${client.pool}`),
      client.keySha256 ? fact("Key", el("code", { class: "whole" }, client.keySha256)) : null));
  }
  place.append(...[...all.values()].map((ledger, index) => dataSet(ledger, index)));

  /** What the ledger knows; nothing where it cannot be asked, and that is said. */
  async function ledgers() {
    try {
      return (await api.get(`${settings.ledgerPath}ledger/clients/${encodeURIComponent(clientId)}`, signal)).ledgers;
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) { throw error; }
      if (error.status !== 404) { problems.append(notice(`Budgets cannot be shown: ${error.text ?? error.message}`)); }
      return [];
    }
  }

  function dataSet({ ledger, data, units: spent }, index) {
    const told = data ? `${format.plural(data.exampleCount, data.privacyUnitColumn ? "unit" : "example")}${data.privacyUnitColumn ? ` by ${data.privacyUnitColumn}` : ""}` : "no longer declared";
    const part = section(`Data set ${ledger.dataSet}${index > 0 ? `, ${index + 1}` : ""}`,
      el("p", { class: "soft" }, `Owner ${ledger.owner} · ${told} · split ${ledger.partitionRule}${ledger.partitionRule.startsWith("whole") ? "" : `, part ${ledger.partitionIndex}, seed ${ledger.partitionSeed}`}`),
      el("div", { class: "pair" }, Object.keys(units).map(unit => budgetPanel(ledger, unit, spent.find(known => known.unit === unit) ?? null, index))));
    return part;
  }

  function budgetPanel(ledger, unit, known, index) {
    const now = el("div", { class: "now" });
    const said = el("p", { class: "soft", role: "status" });
    let current = known;
    render();
    return el("section", { class: "panel", "aria-label": `Budget of ${ledger.dataSet} ${units[unit]}` },
      el("h3", {}, `Budget ${units[unit]}`), now, may("ledger:admin") ? budgetForm(ledger, unit, `b${index}-${unit}`, () => current, changed) : null, said);

    function render() {
      fill(now, describe(current));
    }

    function changed(view) {
      current = view.units.find(one => one.unit === unit);
      render();
      say(said, `Set: ${terms(current.budget)}.`);
      announce(`The budget of ${ledger.dataSet} ${units[unit]} is set: ${terms(current.budget)}.`);
    }
  }

  function budgetForm(ledger, unit, id, current, changed) {
    const number = value => el("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", value: value ?? null, oninput: check });
    const { budget, measure } = current() ?? { budget: null, measure: null };
    const isRho = measure === "zcdp" || (budget !== null && budget.rho !== null);
    const kind = field(`${id}-kind`, "Measured by", el("select", { onchange: kindChanged }, el("option", { value: "epsilon" }, "ε at δ"), el("option", { value: "rho" }, "ρ of zCDP")), "Fixed once something is charged or a budget is set.");
    kind.input.value = isRho ? "rho" : "epsilon";
    kind.input.disabled = current() !== null && (measure === "zcdp" || current().alpha !== null);
    const epsilon = field(`${id}-epsilon`, "ε", number(budget?.epsilon), "Above 0.");
    const rho = field(`${id}-rho`, "ρ", number(budget?.rho), "Above 0.");
    const delta = field(`${id}-delta`, "δ", number(budget?.delta ?? (isRho ? null : "1e-5")), "Between 0 and 1, less than one over the number of examples. Of ρ it may be left out.");
    const effect = el("p", { class: "warn", role: "status" });
    const failed = el("div");
    const button = sureButton("Set budget", "", question, send, announce);
    const form = el("form", { novalidate: true, onsubmit: event => event.preventDefault() },
      el("div", { class: "row" }, kind.element, epsilon.element, rho.element, delta.element), effect, failed, button);
    kindChanged();
    return form;

    function kindChanged() {
      const byRho = kind.input.value === "rho";
      epsilon.element.hidden = byRho;
      rho.element.hidden = !byRho;
      check();
    }

    // As the ledger reads them (BudgetTerms); what is left out is null.
    function read() {
      const byRho = kind.input.value === "rho";
      const valueOf = ({ input }) => input.value.trim() === "" ? null : Number(input.value);
      return { epsilon: byRho ? null : valueOf(epsilon), rho: byRho ? valueOf(rho) : null, delta: valueOf(delta) };
    }

    function problems(wanted) {
      const byRho = kind.input.value === "rho";
      const isPositive = value => value !== null && Number.isFinite(value) && value > 0;
      return [
        [epsilon, byRho || isPositive(wanted.epsilon) ? null : "Expected a number above 0."],
        [rho, !byRho || isPositive(wanted.rho) ? null : "Expected a number above 0."],
        [delta, (byRho && wanted.delta === null) || (isPositive(wanted.delta) && wanted.delta < 1) ? null : "Expected a number between 0 and 1, such as 1e-5."],
      ];
    }

    function check() {
      const wanted = read();
      const wrong = problems(wanted);
      wrong.forEach(([place, text]) => place.tell(place.input.value.trim() === "" && current()?.budget == null ? null : text));
      say(effect, wrong.some(([, text]) => text !== null) ? "" : consequence(wanted));
    }

    function consequence({ epsilon: wanted, delta: at }) {
      const { budget: now, unbounded } = current() ?? { budget: null, unbounded: 0 };
      const parts = [
        unbounded > 0 ? "Earlier charges without a guarantee stay outside of it." : null,
        now !== null && wanted !== null && at === now.delta && wanted < now.spentEpsilon ? `ε ${format.score(now.spentEpsilon)} is spent already: nothing more would be admitted.` : null,
        now !== null && wanted !== null && at === now.delta && wanted > now.epsilon ? `That is more than the ε ${format.score(now.epsilon)} that its owner has allowed so far.` : null,
      ];
      return parts.filter(Boolean).join(" ");
    }

    function question() {
      const wanted = read();
      const wrong = problems(wanted);
      wrong.forEach(([place, text]) => place.tell(text));
      const first = wrong.find(([, text]) => text !== null);
      if (first) { first[0].input.focus(); return null; }
      return `Set ${terms(wanted)} for ${ledger.dataSet} of ${ledger.owner}?`;
    }

    async function send() {
      fill(failed);
      try {
        changed(await api.put(`${settings.ledgerPath}ledger/budgets`, { ledger, unit, ...read() }, signal));
        check();
      } catch (error) {
        if (error.name !== "AbortError" && error.status !== 401) { fill(failed, notice(error.text ?? error.message, "bad")); }
      }
    }
  }
}

const fact = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
const terms = ({ epsilon, delta, rho }) => rho !== null && rho !== undefined ? `ρ = ${exact(rho)}${delta === null ? "" : ` (ε shown at δ = ${exact(delta)})`}` : `ε = ${exact(epsilon)} at δ = ${exact(delta)}`;
// A budget is what its owner wrote: no digit of it is rounded away.
const exact = value => String(value);

function describe(account) {
  if (account === null) { return el("p", { class: "soft" }, "Never charged, no budget set: nothing limits it."); }
  const charges = `${format.plural(account.committed, "charge")} committed, ${format.count(account.reserved)} reserved, ${format.count(account.refunded)} given back`;
  const open = account.unbounded > 0 ? el("p", { class: "warn" }, `${format.plural(account.unbounded, "charge")} without any guarantee; a budget covers what comes after.`) : null;
  if (account.budget === null) {
    // In the ledger's own measure: without a δ it is no ε yet.
    const spent = account.measure === "zcdp" ? `ρ ${format.score(account.spentUnits / 1e9)}` : account.alpha === null ? null : `Rényi divergence ${format.score(account.spentUnits / 1e9)} at order ${format.score(account.alpha)}`;
    return [el("p", {}, `No budget set: nothing limits it.${spent ? ` Spent so far: ${spent}.` : ""}`), el("p", { class: "soft" }, charges), open];
  }
  const { left, spentEpsilon, delta } = account.budget;
  return [
    bar(1 - left, left <= 0.1 ? "bad" : left <= 0.3 ? "warn" : ""),
    el("p", {}, `ε ${format.score(spentEpsilon)} at δ = ${exact(delta)} spent of ${terms(account.budget)}, ${format.share(left)} left`),
    el("p", { class: "soft" }, charges), open,
  ];
}
