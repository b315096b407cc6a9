// Charts by round with uPlot (uPlot.iife.min.js sets the global). A table beside each chart holds the same figures.
import { el, say } from "./dom.js";
import * as format from "./format.js";

const axisFont = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const wholeSteps = [1, 2, 5].flatMap(first => [0, 1, 2, 3, 4, 5, 6].map(power => first * 10 ** power)).sort((a, b) => a - b);

// As many decimals as tell the ticks of an axis apart.
const decimals = step => [0, 1, 2, 3, 4, 5, 6].find(d => Math.abs(step * 10 ** d - Math.round(step * 10 ** d)) < 1e-6 * step * 10 ** d) ?? 6;
const stepOf = ticks => ticks.length > 1 ? ticks[1] - ticks[0] : 1;
const around = (low, high, least, most) => {
  if (low === null || low === undefined) { return [0, 1]; }
  const pad = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 1e-9);
  return [Math.max(least, low - pad), Math.min(most, high + pad)];
};
const fromZero = (low, high) => [0, (high || 1) * 1.08];

/** Kinds of quantity: how ticks and single values are written, and what range is shown. */
export const kinds = {
  share: { ticks: ticks => ticks.map(t => `${(t * 100).toFixed(decimals(stepOf(ticks) * 100))} %`), value: v => format.share(v, 2), range: (low, high) => around(low, high, 0, 1) },
  loss: { ticks: ticks => ticks.map(t => t.toFixed(decimals(stepOf(ticks)))), value: format.score, range: (low, high) => around(low, high, low < 0 ? -Infinity : 0, Infinity) },
  epsilon: { ticks: ticks => ticks.map(t => t.toFixed(decimals(stepOf(ticks)))), value: format.score, range: fromZero },
  bytes: { ticks: ticks => ticks.map(format.bytes), value: format.bytes, range: fromZero, bars: true },
  seconds: { ticks: ticks => ticks.map(format.seconds), value: format.seconds, range: fromZero, bars: true },
};

/** A chart over rounds. Series: { label, colour, dash, values, shown }, where shown are the values that the legend tells (those drawn where it is absent). */
export class Chart {
  constructor(title, note, kind, signal, height = 200) {
    this.kind = kind;
    this.height = height;
    this.title = title;
    this.place = el("div", { class: "plot", role: "img" });
    this.empty = el("p", { class: "soft none" }, "No round has ended yet.");
    this.element = el("figure", { class: "chart" }, el("figcaption", {}, el("h3", {}, title), el("span", {}, note)), this.place, this.empty);
    this.data = null;
    this.plot = null;
    const again = () => { this.drop(); this.draw(); };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    const size = new ResizeObserver(() => this.resize());
    size.observe(this.place);
    signal.addEventListener("abort", () => { dark.removeEventListener("change", again); size.disconnect(); this.drop(); });
  }

  drop() {
    this.plot?.destroy();
    this.plot = null;
  }

  resize() {
    const width = this.place.clientWidth;
    if (!this.plot) { this.draw(); } else if (width > 0 && width !== this.plot.width) { this.plot.setSize({ width, height: this.height }); }
  }

  show(rounds, series) {
    const present = series.filter(s => s.values.some(v => v !== null && v !== undefined));
    const shape = present.map(s => s.label).join("\n");
    this.data = { rounds, series: present };
    this.empty.hidden = present.length > 0;
    this.place.hidden = present.length === 0;
    this.place.setAttribute("aria-label", `${this.title}: ${present.map(s => `${s.label} ${this.kind.value((s.shown ?? s.values).findLast(v => v !== null && v !== undefined))}`).join(", ")}`);
    if (present.length === 0) { this.drop(); return; }
    if (this.plot && shape === this.shape) {
      this.plot.setData(this.values());
      if (this.plot.cursor.idx === null || this.plot.cursor.idx === undefined) { this.plot.setLegend({ idx: rounds.length - 1 }, false); }
      return;
    }
    this.shape = shape;
    this.drop();
    this.draw();
  }

  values() {
    return [this.data.rounds, ...this.data.series.map(s => s.values.map(v => v ?? null))];
  }

  draw() {
    if (!this.data || this.data.series.length === 0 || this.place.clientWidth === 0) { return; }
    this.plot = new uPlot(this.options(this.place.clientWidth), this.values(), this.place);
  }

  options(width) {
    const { kind } = this;
    const axis = {
      stroke: colour("--soft"), font: axisFont, labelFont: axisFont,
      grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--line"), width: 1, size: 4 },
    };
    return {
      width, height: this.height, padding: [8, 10, 0, 0],
      cursor: { drag: { x: false, y: false }, y: false, sync: { key: "rounds" } },
      scales: {
        x: { time: false, range: (u, low, high) => !kind.bars && low < high ? [low, high] : [low - 0.5, high + 0.5] },
        y: { range: (u, low, high) => kind.range(low, high) },
      },
      axes: [
        { ...axis, grid: { show: false }, incrs: wholeSteps, space: 40, filter: (u, ticks) => ticks.map(t => t >= u.data[0][0] && t <= u.data[0].at(-1) ? t : null), size: 28 },
        { ...axis, space: 32, values: (u, ticks) => kind.ticks(ticks), size: (u, labels) => 14 + Math.max(26, ...(labels ?? []).map(text => text.length * 6.8)) },
      ],
      legend: { markers: { width: 0, fill: (u, i) => colour(this.data.series[i - 1].colour) } },
      // Without a pointer over the chart its legend tells the last round.
      hooks: { setLegend: [u => { if (u.cursor.idx === null || u.cursor.idx === undefined) { u.setLegend({ idx: this.data.rounds.length - 1 }, false); } }] },
      series: [
        { label: "Round", value: (u, v) => v === null || v === undefined ? "–" : String(v) },
        ...this.data.series.map((s, i) => ({
          label: s.label, stroke: colour(s.colour), spanGaps: true, width: kind.bars ? 0 : 2, dash: s.dash, fill: kind.bars ? colour(s.colour) : undefined,
          paths: kind.bars ? uPlot.paths.bars({ size: [0.7, 36] }) : undefined,
          points: kind.bars || s.dash ? { show: false } : { size: 5, fill: colour(s.colour) },
          value: (u, v, si, index) => {
            const now = this.data.series[i];
            const exact = index === null || index === undefined ? null : (now.shown ?? now.values)[index];
            return exact === null || exact === undefined ? "–" : kind.value(exact);
          },
        })),
      ],
    };
  }
}

/** The charts of a run's rounds, as the run's page and nothing else shows them. */
export class RunCharts {
  constructor(signal) {
    this.accuracy = new Chart("Accuracy", "share of examples in the right class", kinds.share, signal);
    this.loss = new Chart("Loss", "mean per example", kinds.loss, signal);
    this.traffic = new Chart("Traffic", "bytes between server and clients", kinds.bytes, signal);
    this.time = new Chart("Time", "from the draw of the cohort to the new model", kinds.seconds, signal);
    this.element = el("div", { class: "charts" }, this.accuracy.element, this.loss.element, this.traffic.element, this.time.element);
  }

  show(rounds) {
    const ended = rounds.filter(round => round.durationMs !== null);
    const numbers = ended.map(round => round.round);
    const scored = (pick) => [
      { label: "Held-out data", colour: "--first", values: ended.map(round => pick(round.evaluation)) },
      { label: "Clients’ validation", colour: "--second", dash: [5, 5], values: ended.map(round => pick(round.federatedEvaluation)) },
    ];
    const [accuracy, loss] = [scored(e => e?.accuracy ?? null), scored(e => e?.loss ?? null)];
    this.accuracy.element.hidden = ended.length > 0 && !accuracy.some(s => s.values.some(v => v !== null));
    this.accuracy.show(numbers, accuracy);
    this.loss.show(numbers, loss);
    // Stacked: the whole is drawn first and the lower part over it.
    this.traffic.show(numbers, [
      { label: "Updates up", colour: "--second", values: ended.map(round => round.bytesDown + round.bytesUp), shown: ended.map(round => round.bytesUp) },
      { label: "Model down", colour: "--first", values: ended.map(round => round.bytesDown) },
    ]);
    this.time.show(numbers, [{ label: "Duration", colour: "--first", values: ended.map(round => round.durationMs / 1000) }]);
    const scoredNone = ended.length > 0 && !loss.some(s => s.values.some(v => v !== null));
    say(this.loss.empty, scoredNone ? "This run scores no model." : "No round has ended yet.");
  }
}
