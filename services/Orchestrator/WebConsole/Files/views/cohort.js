// The clients of a round, a cell each.
import { el, fill, say } from "../dom.js";
import * as format from "../format.js";

// From here on a cell has room for its sign alone; its text is still there for screen readers, and as a title.
const Dense = 120;

// Cells cut reasons off, and show none to a finger or a keyboard: they are told below, so many of them.
const Troubles = new Set(["refused", "rejected", "failed"]);
const MostTroubles = 20;

export class Cohort {
  constructor() {
    this.members = new Map();
    this.cells = new Map();
    this.round = 0;
    this.heading = el("p", { class: "soft" }, "No round yet.");
    this.counts = el("ul", { class: "legend", "aria-label": "Clients by state" });
    this.grid = el("ul", { class: "cohort", "aria-label": "Clients of the round" });
    this.troubles = el("ul", { class: "troubles", "aria-label": "Clients that do not count, with the reason" });
    this.element = el("div", {}, this.heading, this.counts, this.grid, this.troubles);
  }

  /** Takes a change in. */
  take({ round, isWhole, members }) {
    if (isWhole) {
      this.members.clear();
      this.cells.clear();
      this.grid.replaceChildren();
      this.round = round;
    }
    members.forEach(member => { this.members.set(member.clientId, member); this.cell(member); });
    this.grid.classList.toggle("dense", this.members.size > Dense);
    this.legend();
    this.tellTroubles();
  }

  tellTroubles() {
    const all = [...this.members.values()].filter(({ state }) => Troubles.has(state));
    this.troubles.hidden = all.length === 0;
    fill(this.troubles, all.slice(0, MostTroubles).map(({ clientId, state, reason }) => el("li", {}, el("strong", {}, clientId), ` ${format.memberStates[state][1]}${reason ? `: ${reason}` : ""}`)),
      all.length > MostTroubles ? el("li", {}, `and ${format.count(all.length - MostTroubles)} more`) : null);
  }

  /** Tells which round it is. */
  of(round) {
    if (round && round.round === this.round) {
      say(this.heading, `Round ${format.count(round.round)}, ${format.words(round.state)}: ${format.plural(this.members.size, "client")}${round.durationMs === null ? `, ${format.count(round.updatesAdmitted)} admitted so far` : ""}`);
    }
  }

  cell(member) {
    const [sign, word, meaning] = format.memberStates[member.state] ?? ["?", member.state, ""];
    let cell = this.cells.get(member.clientId);
    if (!cell) {
      cell = { sign: el("span", { class: "sign", "aria-hidden": "true" }), who: el("span", { class: "who" }, member.clientId), what: el("span", { class: "what" }) };
      cell.element = el("li", {}, cell.sign, cell.who, cell.what);
      this.cells.set(member.clientId, cell);
      this.grid.append(cell.element);
    }
    cell.element.dataset.state = member.state;
    cell.element.title = `${member.clientId}: ${word}, ${member.reason ?? meaning}`;
    say(cell.sign, sign);
    say(cell.what, `${word}${member.attempt > 1 ? `, attempt ${member.attempt}` : ""}${member.bytesUp > 0 ? ` ${format.bytes(member.bytesUp)}` : ""}${member.reason ? `: ${member.reason}` : ""}`);
  }

  legend() {
    const counts = new Map();
    this.members.forEach(({ state }) => counts.set(state, (counts.get(state) ?? 0) + 1));
    fill(this.counts, Object.entries(format.memberStates).filter(([state]) => counts.has(state)).map(([state, [sign, word]]) =>
      el("li", { "data-state": state }, el("span", { class: "sign", "aria-hidden": "true" }, sign), `${format.count(counts.get(state))} ${word}`)));
  }
}
