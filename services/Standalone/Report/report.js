"use strict";
(() => {
  const { scoredOn, rounds, clients } = JSON.parse(document.getElementById("charts").textContent);
  const axisFont = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // As many decimals as tell the ticks of an axis apart.
  const decimals = step => [0, 1, 2, 3, 4, 5, 6].find(d => Math.abs(step * 10 ** d - Math.round(step * 10 ** d)) < 1e-6 * step * 10 ** d) ?? 6;
  const digits = value => value === 0 ? "0" : Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  const scaled = (units, base) => largest => {
    let power = 0;
    while (largest >= base && power < units.length - 1) { largest /= base; power++; }
    return [Math.pow(base, power), units[power]];
  };
  const byteUnit = scaled(["B", "kB", "MB", "GB", "TB"], 1000);
  const secondUnit = largest => largest < 1 ? [0.001, "ms"] : largest < 180 ? [1, "s"] : largest < 10800 ? [60, "min"] : [3600, "h"];

  // A kind of quantity: how its ticks and its single values are written.
  const share = { ticks: ticks => ticks.map(t => (t * 100).toFixed(decimals((ticks[1] - ticks[0]) * 100)) + " %"), value: v => (v * 100).toFixed(2) + " %" };
  const loss = { ticks: ticks => ticks.map(t => t.toFixed(decimals(ticks[1] - ticks[0]))), value: digits };
  const measured = unitOf => ({
    ticks: ticks => {
      const [size, unit] = unitOf(Math.max(...ticks));
      const step = ticks.length > 1 ? (ticks[1] - ticks[0]) / size : 1;
      return ticks.map(t => (t / size).toFixed(decimals(step)) + " " + unit);
    },
    value: v => { const [size, unit] = unitOf(v); return Number((v / size).toPrecision(3)) + " " + unit; },
  });
  const bytes = measured(byteUnit);
  const seconds = measured(secondUnit);

  const wholeSteps = [1, 2, 5].flatMap(first => [0, 1, 2, 3, 4, 5, 6].map(power => first * 10 ** power)).sort((a, b) => a - b);
  const around = (low, high, least, most) => {
    if (low === null || low === undefined) { return [0, 1]; }
    const pad = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 1e-9);
    return [Math.max(least, low - pad), Math.min(most, high + pad)];
  };

  // Only what has a value anywhere is drawn.
  const present = series => series.filter(s => s.values.some(v => v !== null));

  const charts = [
    {
      id: "accuracy", kind: share, lines: true, range: (low, high) => around(low, high, 0, 1),
      series: () => present([
        { label: scoredOn === "clients" ? "Clients' validation data" : "Held-out data", colour: "--first", values: rounds.map(r => r.accuracy) },
        ...(scoredOn === "clients" ? [] : [{ label: "Clients' validation data", colour: "--second", dash: [5, 5], values: rounds.map(r => r.clientAccuracy) }]),
      ]),
    },
    {
      id: "loss", kind: loss, lines: true, range: (low, high) => around(low, high, low < 0 ? -Infinity : 0, Infinity),
      series: () => present([
        { label: scoredOn === "clients" ? "Clients' validation data" : "Held-out data", colour: "--first", values: rounds.map(r => r.loss) },
        ...(scoredOn === "clients" ? [] : [{ label: "Clients' validation data", colour: "--second", dash: [5, 5], values: rounds.map(r => r.clientLoss) }]),
      ]),
    },
    {
      // Stacked: the whole is drawn first and the lower part over it.
      id: "bytes", kind: bytes, range: (low, high) => [0, (high || 1) * 1.08],
      series: () => [
        { label: "Updates up", colour: "--second", values: rounds.map(r => r.bytesDown + r.bytesUp), shown: rounds.map(r => r.bytesUp) },
        { label: "Model down", colour: "--first", values: rounds.map(r => r.bytesDown) },
      ],
    },
    {
      id: "time", kind: seconds, range: (low, high) => [0, (high || 1) * 1.08],
      series: () => [{ label: "Duration", colour: "--first", values: rounds.map(r => r.durationMs === null ? null : r.durationMs / 1000) }],
    },
    {
      id: "clients", kind: share, range: (low, high) => [0, (high || 1) * 1.08], clients: true,
      series: () => [{ label: "Share", colour: "--first", values: clients.map(c => c.weight) }],
    },
  ];

  function options(chart, series, width) {
    const narrow = width < 420;
    const axis = {
      stroke: colour("--soft"), font: axisFont, labelFont: axisFont,
      grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--line"), width: 1, size: 5 },
    };
    return {
      width, height: 240, padding: [10, 10, 0, 0],
      cursor: { drag: { x: false, y: false }, y: false, sync: chart.clients ? undefined : { key: "rounds" } },
      scales: {
        x: { time: false, range: (u, low, high) => chart.lines && low < high ? [low, high] : [low - 0.5, high + 0.5] },
        y: { range: (u, low, high) => chart.range(low, high) },
      },
      axes: [
        { ...axis, grid: { show: false }, incrs: wholeSteps, space: 44, filter: (u, ticks) => ticks.map(t => t >= u.data[0][0] && t <= u.data[0].at(-1) ? t : null), label: chart.clients ? "Client, by share" : "Round", labelSize: 20, labelGap: 0, size: 30 },
        {
          ...axis, space: 36, values: (u, ticks) => chart.kind.ticks(ticks),
          size: (u, labels) => 14 + Math.max(narrow ? 28 : 34, ...(labels || []).map(text => text.length * 6.8)),
        },
      ],
      legend: { markers: { width: 0, fill: (u, i) => colour(series[i - 1].colour) } },
      // Without a pointer over the chart its legend tells the last round, or the largest client.
      hooks: { setLegend: [u => { if (u.cursor.idx === null || u.cursor.idx === undefined) { u.setLegend({ idx: chart.clients ? 0 : rounds.length - 1 }, false); } }] },
      series: [
        { label: chart.clients ? "Client" : "Round", value: (u, v) => v === null || v === undefined ? "–" : chart.clients ? clients[v - 1].clientId : String(v) },
        ...series.map(s => ({
          label: s.label, stroke: colour(s.colour), spanGaps: true,
          width: chart.lines ? 2 : 0, dash: s.dash, fill: chart.lines ? undefined : colour(s.colour),
          paths: chart.lines ? undefined : uPlot.paths.bars({ size: [0.7, 36] }),
          points: chart.lines && !s.dash ? { size: 6, fill: colour(s.colour) } : { show: chart.lines && rounds.length === 1 },
          value: (u, v, si, index) => {
            const exact = index === null || index === undefined ? null : (s.shown || s.values)[index];
            return exact === null || exact === undefined ? "–" : chart.kind.value(exact);
          },
        })),
      ],
    };
  }

  const drawn = new Map();

  function draw(chart) {
    const place = document.querySelector(`[data-chart="${chart.id}"]`);
    if (!place || place.clientWidth === 0) { return; }
    const series = chart.series();
    const positions = chart.clients ? clients.map((_, i) => i + 1) : rounds.map(r => r.round);
    drawn.get(chart.id)?.destroy();
    const plot = new uPlot(options(chart, series, place.clientWidth), [positions, ...series.map(s => s.values)], place);
    drawn.set(chart.id, plot);
  }

  const drawAll = () => charts.forEach(draw);
  const paper = on => { document.documentElement.classList.toggle("paper", on); drawAll(); };

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  let pending = 0;
  addEventListener("resize", () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(drawAll); });
})();
