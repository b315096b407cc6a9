// Messages that services could not act on, of every service that can be asked; sent again or forgotten by whoever may.
import { api } from "../api.js";
import { el, fill, notice, say, sureButton, Table } from "../dom.js";
import * as format from "../format.js";

const Most = 200;

const columns = [
  { title: "Message", head: true, cell: ({ message }) => [message.type ?? "unreadable", el("small", {}, `${message.service}, number ${format.count(message.id)}`)] },
  { title: "When", cell: ({ message }) => el("time", { datetime: message.at }, format.time(message.at)) },
  { title: "Reason", cell: ({ message }) => el("span", { class: "state bad" }, message.reason) },
  { title: "What is wrong", class: "text", cell: ({ message, look }) => [message.detail, el("details", { ontoggle: look }, el("summary", { "aria-label": `Body of ${nameOf(message)}` }, "Body"), el("pre", { tabindex: "0", "aria-label": `Body of ${nameOf(message)}` }, "…"))] },
];

const nameOf = message => `${message.service} ${message.id}`;
const pretty = text => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

export async function show({ view, signal, settings, announce, title, may }) {
  title("Quarantine");
  const actions = { title: "What to do", class: "do", cell: row => el("div", { class: "actions" }, buttons(row)) };
  const table = new Table("Quarantined messages, the newest first", may("runs:write") ? [...columns, actions] : columns, "Nothing is quarantined.", "whole cards");
  const problems = el("div");
  const failed = el("div");
  const summary = el("p", { class: "soft", role: "status" });
  const again = el("button", { type: "button", class: "quiet", onclick: load }, "Look again");
  view.append(
    el("div", { class: "head" }, el("h1", {}, "Quarantine"), el("div", { class: "actions" }, again)),
    el("p", { class: "soft" }, "Messages that a service put aside. Sending one again is as safe as any message that comes twice; what is discarded is gone for good. Both are in the audit log of the service, with who did it."),
    problems, failed, summary, table.element);
  table.element.hidden = true;
  await load();

  async function load() {
    const answers = await Promise.allSettled(settings.quarantinePaths.map(async path =>
      (await api.get(`${path}quarantine/?newest=true&limit=${Most}`, signal)).map(message => ({ ...message, place: `${path}quarantine/${message.service}/${message.id}` }))));
    if (signal.aborted) { return; }
    const errors = answers.filter(answer => answer.status === "rejected").map(answer => answer.reason);
    fill(problems, errors.filter(error => error.status !== 401).map(error => notice(`Not everything can be shown: ${error.text ?? error.message}`, "warn")));
    const messages = answers.flatMap(answer => answer.value ?? []).sort((a, b) => b.at.localeCompare(a.at));
    const isCut = [...Map.groupBy(messages, message => message.service).values()].some(all => all.length >= Most);
    say(summary, isCut ? `The newest ${Most} of each service are shown.` : "");
    table.element.hidden = messages.length === 0 && errors.length === answers.length;
    table.show(messages.map(message => ({ key: message.place, message, same: "", look: event => look(event.currentTarget, message) })));
  }

  async function look(details, message) {
    if (!details.open) { return; }
    const place = details.querySelector("pre");
    try {
      const { body } = await api.get(message.place, signal);
      say(place, pretty(body));
    } catch (error) {
      if (error.name !== "AbortError") { say(place, told(error)); }
    }
  }

  function buttons({ message }) {
    return [
      // What is no whole message of the contracts can't be sent again.
      message.type === null ? null : sureButton("Replay", "quiet", () => `Send ${nameOf(message)} again?`, () => act(message, () => api.post(`${message.place}/replay`, undefined, signal), "was sent again"), announce),
      sureButton("Discard", "danger", () => `Forget ${nameOf(message)} for good?`, () => act(message, () => api.delete(message.place, signal), "is discarded"), announce),
    ];
  }

  async function act(message, change, done) {
    fill(failed);
    try {
      await change();
      announce(`${nameOf(message)} ${done}.`);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) { return; }
      fill(failed, notice(`${nameOf(message)}: ${told(error)}`, "bad"));
    }
    // The row goes, and the focus would go with it.
    again.focus();
    await load();
  }

  function told(error) {
    return error.status === 404 ? "It is no longer there: somebody has sent it again or discarded it." : error.text ?? error.message;
  }
}
