// A new run: a form from the product's own schema, its plan beside it, and only then the button that starts it.
import { api } from "../api.js";
import { el, fill, notice, say } from "../dom.js";
import { Form } from "../form.js";
import { validate } from "../schema.js";
import { Plan } from "./plan.js";

const Pause = 400;

const digits = {
  name: "digits", rounds: 10, seed: 7,
  model: { name: "mlp", hidden: [32], inputShape: [1, 28, 28], outputs: 10 },
  data: { dataSet: "digits", image: { mean: 0.13, scale: 0.31 } },
  training: { learningRate: 0.1, batchSize: 32, validationFraction: 0.1 },
  selection: { minimumClients: 1, minimumReports: 1 },
  evaluation: { dataSet: "digits-test" },
};
const samples = {
  digits,
  "digits, private": {
    ...digits, name: "digits, private", rounds: 20,
    training: { learningRate: 0.5, batchSize: 64 },
    privacy: { mode: "example", example: { clipNorm: 1, noiseMultiplier: 1.1 } },
  },
  empty: { name: "", rounds: 10, model: { inputShape: [], outputs: 1 }, data: { dataSet: "" }, training: { learningRate: 0.1, batchSize: 32 } },
};

// Keys with nothing in them are left out: an absent section has its defaults.
const pruned = value => Array.isArray(value) || value === null || typeof value !== "object" ? value
  : Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined && item !== null).map(([key, item]) => [key, pruned(item)]));
const withoutEmpty = (value, required) => Object.fromEntries(Object.entries(pruned(value)).filter(([key, item]) =>
  required.includes(key) || item === null || typeof item !== "object" || Array.isArray(item) || Object.keys(item).length > 0));

const token = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");

export async function show({ view, signal, settings, announce, title, may }, [copied]) {
  title("New run");
  const [schema, runs, clients] = await Promise.all([api.get("runs/schema.json", signal), api.get("runs/?limit=20", signal), api.get("clients/", signal)]);
  const dataSets = [...new Set(clients.flatMap(client => client.dataSets.map(data => data.ledger.dataSet)))].sort();
  const form = new Form(schema, changed, { "$.data.dataSet": dataSets });
  const plan = new Plan(settings, signal);
  const starts = [...Object.keys(samples).map(name => ({ value: name, text: `sample: ${name}`, spec: samples[name] })), ...runs.map(run => ({ value: run.runId, text: `run: ${run.name}`, spec: run.spec }))];
  const from = el("select", { id: "from", onchange: () => start(starts.find(known => known.value === from.value).spec) }, starts.map(known => el("option", { value: known.value }, known.text)));
  const rest = el("ul", { class: "errors", "aria-label": "Errors without a field" });
  const json = el("textarea", { id: "json", rows: "16", spellcheck: "false", oninput: typed, "aria-describedby": "json-error" });
  const jsonError = el("p", { class: "error", id: "json-error", role: "status" });
  // Who may not start a run may still ask what it would cost.
  const button = el("button", { type: "submit", disabled: true, hidden: !may("runs:write") }, "Start run");
  const why = el("p", { class: "soft", role: "status" }, "");
  const failed = el("div");
  view.append(
    el("div", { class: "head" }, el("h1", {}, "New run"), el("label", { class: "search", for: "from" }, el("span", {}, "Begin with"), from)),
    el("form", { class: "two", novalidate: true, onsubmit: begin },
      el("div", {}, rest, form.element, el("details", { class: "panel" }, el("summary", {}, "As JSON: the run part of a run file"), el("label", { class: "unseen", for: "json" }, "The run as JSON"), json, jsonError)),
      el("div", { class: "side" }, plan.element, failed, why, button)));

  let [timer, asking, key, mode] = [0, new AbortController(), token(), undefined];
  signal.addEventListener("abort", () => { clearTimeout(timer); asking.abort(); });
  if (copied && starts.some(known => known.value === copied)) { from.value = copied; }
  start(starts.find(known => known.value === from.value).spec);

  function start(spec) {
    form.show(structuredClone(pruned(spec)));
    mode = form.value.privacy?.mode;
    changed();
  }

  // A mode names the sections that go with it: they are opened with it, and the others are taken away.
  function follow() {
    const { privacy } = form.value;
    mode = privacy?.mode;
    for (const name of ["example", "local", "central"]) {
      if ((mode ?? "").split("+").includes(name)) { privacy[name] ??= { clipNorm: 1, noiseMultiplier: 1.1 }; } else { delete privacy?.[name]; }
    }
    const { id } = document.activeElement;
    form.show(form.value);
    document.getElementById(id)?.focus();
  }

  function body() {
    return withoutEmpty(form.value, schema.required ?? []);
  }

  function changed() {
    if (form.value.privacy?.mode !== mode) { follow(); }
    json.value = JSON.stringify(body(), null, 2);
    say(jsonError, "");
    check();
  }

  function typed() {
    try {
      form.show(JSON.parse(json.value));
      say(jsonError, "");
    } catch (error) {
      say(jsonError, `This is no JSON: ${error.message}`);
      hold("What is written as JSON cannot be read.");
      return;
    }
    check();
  }

  // Nothing is started that was not planned: each change takes the button away until its plan is there.
  function hold(reason) {
    clearTimeout(timer);
    asking.abort();
    key = token();
    button.disabled = true;
    say(why, reason);
  }

  function check() {
    const errors = validate(body(), schema);
    const byPath = new Map();
    errors.forEach(({ path, message }) => byPath.set(path, [...(byPath.get(path) ?? []), message]));
    fill(failed);
    tell(byPath);
    if (errors.length > 0) {
      hold(`${errors.length === 1 ? "One value is" : `${errors.length} values are`} not right yet.`);
      plan.clear();
      return;
    }
    hold("Planning…");
    timer = setTimeout(ask, Pause);
  }

  function tell(byPath) {
    const others = form.tell(byPath);
    fill(rest, others.map(text => el("li", { class: "error" }, text)));
    rest.hidden = others.length === 0;
  }

  async function ask() {
    asking = new AbortController();
    const mine = asking;
    try {
      const planned = await api.post("plan", body(), mine.signal);
      if (mine.signal.aborted || signal.aborted) { return; }
      plan.show(planned);
      button.disabled = false;
      say(why, `This is what the run will cost. Nothing runs yet.${may("runs:write") ? "" : " Your key may plan runs, not start them: that needs runs:write."}`);
    } catch (error) {
      if (mine.signal.aborted || error.name === "AbortError" || error.status === 401) { return; }
      plan.clear();
      if (error.errors) { tell(new Map(Object.entries(error.errors))); }
      say(why, error.errors ? "The service would refuse this run." : "There is no plan, so the run cannot be started.");
      fill(failed, error.errors ? null : notice(error.text ?? error.message));
    }
  }

  async function begin(event) {
    event.preventDefault();
    if (button.disabled || button.hidden) { return; }
    button.disabled = true;
    fill(failed);
    const asked = key;
    try {
      const run = await api.post("runs/", body(), signal, { "Idempotency-Key": asked });
      announce("The run is created.");
      location.hash = `#/runs/${run.runId}`;
    } catch (error) {
      // What was changed meanwhile has a plan of its own to wait for.
      if (error.name === "AbortError" || error.status === 401 || asked !== key) { return; }
      if (error.errors) { tell(new Map(Object.entries(error.errors))); }
      fill(failed, notice(error.errors ? "The service refuses this run; see the fields." : error.text ?? error.message, "bad"));
      button.disabled = false;
    }
  }
}
