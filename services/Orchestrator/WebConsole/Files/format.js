// Numbers and times as people read them. What is not known is a dash.

const none = "–";
const whole = new Intl.NumberFormat("en");
const isNumber = value => typeof value === "number" && Number.isFinite(value);

export const count = value => isNumber(value) ? whole.format(value) : none;
export const plural = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
export const share = (value, digits = 1) => isNumber(value) ? `${(value * 100).toFixed(digits)} %` : none;
export const score = value => !isNumber(value) ? none
  : value === 0 ? "0" : Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6 ? value.toExponential(2) : String(Number(value.toPrecision(4)));

// What would be written as 1000 of a unit is one of the next.
const scaled = (value, base, units) => {
  let power = 0;
  while (Math.abs(Number(value.toPrecision(3))) >= base && power < units.length - 1) { value /= base; power++; }
  return `${Number(value.toPrecision(3))} ${units[power]}`;
};
export const bytes = value => isNumber(value) ? scaled(value, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]) : none;

export function seconds(value) {
  if (!isNumber(value)) { return none; }
  // Clocks of two machines may make less than nothing of a short time.
  const time = Math.max(0, value);
  if (time < 0.9995) { return `${Math.round(time * 1000)} ms`; }
  if (time < 9.95) { return `${time.toFixed(1)} s`; }
  const all = Math.round(time);
  if (all < 60) { return `${all} s`; }
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  if (h >= 48) { return `${Math.floor(h / 24)} d ${h % 24} h`; }
  return h > 0 ? `${h} h ${m} min` : `${m} min ${s} s`;
}

export const milliseconds = value => seconds(isNumber(value) ? value / 1000 : value);

// The reader's own time, with its zone where the seconds matter.
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
export const time = text => text ? clock.format(new Date(text)) : none;
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
export const date = text => text ? minute.format(new Date(text)) : none;
export const between = (from, to) => (new Date(to ?? Date.now()) - new Date(from)) / 1000;

/** The beginning of a hash; the whole is its title. */
export const short = hash => hash ? hash.slice(0, 12) : none;

/** "BudgetExhausted" or "budgetExhausted" as "budget exhausted". */
export const words = name => name ? name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase() : none;

const runStates = {
  preparing: ["open", "◌"], running: ["open", "▸"], paused: ["held", "‖"], completed: ["good", "✓"],
  stopped: ["held", "■"], abandoned: ["bad", "✕"], budgetExhausted: ["bad", "ε"],
};

/** Kind for the colour and a sign for those who do not see it. */
export const runState = state => { const [kind, sign] = runStates[state] ?? ["held", "?"]; return { kind, sign, text: words(state) }; };

const enrolmentStates = { invited: ["held", "◌"], waiting: ["warn", "!"], active: ["good", "✓"], suspended: ["held", "‖"], revoked: ["bad", "✕"] };
export const enrolmentState = state => { const [kind, sign] = enrolmentStates[state] ?? ["held", "?"]; return { kind, sign, text: words(state) }; };

/** A member of a cohort: colour by name, sign, word and what it means. */
export const memberStates = {
  planned: ["○", "drawn", "the ledger has not answered"],
  waiting: ["…", "waiting", "charged; its task waits for a free worker"],
  dispatched: ["→", "sent", "its task is on the way"],
  accepted: ["▸", "training", "a worker has its task"],
  admitted: ["✓", "admitted", "its update counts"],
  late: ["◷", "late", "its update came after the round was closed"],
  carried: ["↻", "carried", "a late update of an earlier round counts here"],
  refused: ["–", "refused", "not charged, and did not train"],
  rejected: ["✕", "rejected", "its update was turned away"],
  failed: ["!", "failed", "its task ended without an update"],
};
