// One run, live: what it has learned, what the clients of its round are doing, what it has cost.
import { api, stream } from "../api.js";
import { RunCharts } from "../chart.js";
import { bar, el, Figures, fill, notice, say, section, sureButton, Table } from "../dom.js";
import * as format from "../format.js";
import { Cohort } from "./cohort.js";
import { Lineage } from "./lineage.js";
import { pill } from "./runs.js";

const isOver = run => run !== null && !["preparing", "running", "paused"].includes(run.state);

const roundColumns = [
  { title: "Round", head: true, class: "number", cell: ({ round }) => format.count(round.round) },
  { title: "State", cell: ({ round }) => format.words(round.state) },
  { title: "Accuracy", class: "number", cell: ({ round }) => format.share((round.evaluation ?? round.federatedEvaluation)?.accuracy, 2) },
  { title: "Loss", class: "number", cell: ({ round }) => format.score((round.evaluation ?? round.federatedEvaluation)?.loss) },
  { title: "Admitted", class: "number", cell: ({ round }) => `${format.count(round.updatesAdmitted)} / ${format.count(round.clientsSelected)}` },
  { title: "Refused", class: "number", cell: ({ round }) => format.count(round.clientsRefused) },
  { title: "Rejected", class: "number", cell: ({ round }) => format.count(round.updatesRejected) },
  { title: "Down", class: "number", cell: ({ round }) => format.bytes(round.bytesDown) },
  { title: "Up", class: "number", cell: ({ round }) => format.bytes(round.bytesUp) },
  { title: "Time", class: "number", cell: ({ round }) => format.milliseconds(round.durationMs) },
  { title: "Reason", class: "text", cell: ({ round }) => round.reason ?? "" },
];

const clientColumns = [
  { title: "Client", head: true, class: "name", cell: ({ client }) => client.clientId },
  { title: "Examples", class: "number", cell: ({ client }) => format.count(client.examples) },
  { title: "Rounds", class: "number", cell: ({ client }) => format.count(client.roundsParticipated) },
  { title: "Share of the model", cell: ({ client, most }) => el("span", { class: "progress" }, bar(most > 0 ? client.weight / most : 0), el("span", { class: "number" }, format.share(client.weight))) },
  { title: "Up", class: "number", cell: ({ client }) => format.bytes(client.bytesUp) },
  { title: "Training", class: "number", cell: ({ client }) => format.seconds(client.trainingSeconds) },
];

// A table of a hundred thousand rounds would take a browser minutes; the charts hold them all.
const MostRows = 300;

export async function show({ view, signal, linked, announce, title, may }, [runId]) {
  title("Run");
  const rounds = new Map();
  let run = null;
  let [askedFor, all] = ["", []];
  const parts = {
    name: el("h1", {}, "Run"), state: el("span"), note: el("p", { class: "soft" }), reason: el("div"), error: el("div"), actions: el("div", { class: "actions" }),
    figures: new Figures(), charts: new RunCharts(signal), cohort: new Cohort(),
    rounds: new Table("Rounds, the newest first", roundColumns, "No round yet."),
    clients: new Table("What each client did in this run", clientColumns, "No client took part yet."),
    lineage: new Lineage(signal, MostRows), earlier: el("p", { class: "soft", hidden: true }),
  };
  view.append(
    el("div", { class: "head" }, parts.name, parts.state, parts.actions), parts.note, parts.reason, parts.error, parts.figures.element,
    section("By round", parts.charts.element),
    section("Clients of the round", parts.cohort.element),
    section("Rounds", parts.rounds.element, parts.earlier),
    section("Contributions", parts.clients.element),
    section("Model and its lineage", parts.lineage.element));

  let drawing = 0;
  const clock = setInterval(figures, 1000);
  signal.addEventListener("abort", () => { cancelAnimationFrame(drawing); clearInterval(clock); });
  await stream(`runs/${encodeURIComponent(runId)}/events?cohort=true`, {
    signal,
    isOver: () => isOver(run),
    state: linked,
    on: (name, change) => {
      const before = run;
      run = change.run;
      if (before && before.state !== run.state) { announce(`The run is ${format.words(run.state)}.`); }
      if (name === "round") { take(change.round); }
      if (name === "cohort") { parts.cohort.take(change.cohort); }
      cancelAnimationFrame(drawing);
      drawing = requestAnimationFrame(render);
    },
  });

  function take(round) {
    const before = rounds.get(round.round);
    rounds.set(round.round, round);
    all = null;
    if (before && before.durationMs === null && round.durationMs !== null) {
      const score = round.evaluation ?? round.federatedEvaluation;
      announce(`Round ${round.round} of ${run.rounds}: ${format.words(round.state)}${score?.accuracy !== null && score?.accuracy !== undefined ? `, accuracy ${format.share(score.accuracy)}` : ""}.`);
    }
  }

  /** The rounds in order; sorted once for each change, not for each look. */
  function inOrder() {
    return all ??= [...rounds.values()].sort((a, b) => a.round - b.round);
  }

  function render() {
    const all = inOrder();
    const last = all.at(-1);
    title(run.name);
    say(parts.name, run.name);
    if (parts.state.dataset.state !== run.state) {
      parts.state.dataset.state = run.state;
      fill(parts.state, pill(run.state));
      actions();
    }
    say(parts.note, `${run.runId} · data set ${run.spec.data.dataSet} · privacy ${run.spec.privacy.mode} · seed ${run.seed} · created ${format.date(run.createdAt)}`);
    fill(parts.reason, run.reason ? notice(run.reason) : null);
    figures();
    parts.charts.show(all);
    parts.cohort.of(last);
    parts.rounds.show(all.slice(-MostRows).toReversed().map(round => ({ key: round.round, round, same: JSON.stringify(round), class: round.state === "abandoned" ? "warn" : "" })));
    parts.earlier.hidden = all.length <= MostRows;
    say(parts.earlier, `The newest ${format.count(MostRows)} of ${format.count(all.length)} rounds are listed; the charts show all.`);
    const done = all.filter(round => round.state === "done");
    const stamp = `${done.length} ${run.state}`;
    if (stamp !== askedFor) {
      askedFor = stamp;
      parts.lineage.show(run, done);
      contributions();
    }
  }

  // What clients did is not in the stream; it changes when a round ends.
  async function contributions() {
    try {
      const clients = await api.get(`runs/${run.runId}/clients`, signal);
      const most = Math.max(0, ...clients.map(client => client.weight));
      parts.clients.show(clients.map(client => ({ key: client.clientId, client, most, same: JSON.stringify([client, most]) })));
    } catch (error) {
      if (error.name !== "AbortError") { fill(parts.error, notice(error.text ?? error.message, "bad")); }
    }
  }

  function figures() {
    if (!run) { return; }
    const all = inOrder();
    const ended = all.filter(round => round.durationMs !== null);
    const open = all.find(round => round.durationMs === null);
    const score = all.map(round => round.evaluation ?? round.federatedEvaluation).findLast(Boolean);
    const recent = ended.slice(-5);
    const time = recent.reduce((sum, round) => sum + round.durationMs / 1000, 0);
    const sum = (of, pick) => of.reduce((total, round) => total + pick(round), 0);
    parts.figures.show([
      { name: "Round", value: `${format.count(run.round)} / ${format.count(run.rounds)}`, note: open && !isOver(run) ? `${format.words(open.state)}, ${format.seconds(Math.max(0, format.between(open.startedAt)))}` : isOver(run) ? "over" : "" },
      { name: "Accuracy", value: format.share(score?.accuracy, 2), note: score ? `${format.count(score.exampleCount)} examples` : "not scored yet" },
      { name: "Loss", value: format.score(score?.loss), note: "mean per example" },
      { name: "Throughput", value: time > 0 ? `${format.score(Number((sum(recent, r => r.updatesAdmitted) / time).toPrecision(2)))} /s` : "–", note: time > 0 ? `updates; ${format.bytes(sum(recent, r => r.bytesDown + r.bytesUp) / time)}/s` : "updates" },
      { name: "Traffic", value: format.bytes(sum(all, r => r.bytesDown + r.bytesUp)), note: `${format.bytes(sum(all, r => r.bytesDown))} down, ${format.bytes(sum(all, r => r.bytesUp))} up` },
      { name: "Time", value: format.seconds(format.between(run.createdAt, run.endedAt)), note: time > 0 ? `${format.seconds(time / recent.length)} a round` : "" },
      { name: "Model", value: run.model ? format.bytes(run.model.sizeBytes) : "–", note: run.parameterCount ? `${format.count(run.parameterCount)} parameters` : "" },
    ]);
  }

  // What a key does not open is not offered; the service refuses it besides.
  function actions() {
    const post = (path, text) => () => act(path, text);
    fill(parts.actions, isOver(run) || !may("runs:write") ? null : [
      run.state === "paused" ? el("button", { type: "button", onclick: post("resume", "Resume") }, "Resume") : el("button", { type: "button", class: "quiet", onclick: post("pause", "Pause") }, "Pause"),
      sureButton("Stop", "danger", () => "Stop for good?", post("stop", "Stop"), announce),
    ], el("a", { class: "button quiet", href: `#/new/${run.runId}` }, "New run like this"));
  }

  async function act(path, text) {
    const isHere = parts.actions.contains(document.activeElement);
    fill(parts.error);
    try {
      await api.post(`runs/${run.runId}/${path}`, undefined, signal);
      announce(`${text}: done.`);
    } catch (error) {
      if (error.name !== "AbortError" && error.status !== 401) { fill(parts.error, notice(error.text ?? error.message, "bad")); }
    }
    // What was pressed may be gone, and the focus with it.
    if (isHere && document.activeElement === document.body) { parts.actions.querySelector("button, a")?.focus(); }
  }
}
