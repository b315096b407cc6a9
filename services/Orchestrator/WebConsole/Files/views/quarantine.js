// Messages that services could not act on, of every service that can be asked.
import { api } from "../api.js";
import { el, fill, notice, Table } from "../dom.js";
import * as format from "../format.js";

const columns = [
  { title: "Service", head: true, cell: ({ message }) => message.service },
  { title: "Id", class: "number", cell: ({ message }) => format.count(message.id) },
  { title: "When", cell: ({ message }) => el("time", { datetime: message.at }, format.time(message.at)) },
  { title: "Message", cell: ({ message }) => message.type ?? "unreadable" },
  { title: "Reason", cell: ({ message }) => el("span", { class: "state bad" }, message.reason) },
  { title: "What is wrong", class: "text", cell: ({ message }) => message.detail },
];

export async function show({ view, signal, settings, title }) {
  title("Quarantine");
  const table = new Table("Quarantined messages, the newest first", columns, "Nothing is quarantined.", "whole cards");
  const problems = el("div");
  const again = el("button", { type: "button", class: "quiet", onclick: load }, "Look again");
  view.append(
    el("div", { class: "head" }, el("h1", {}, "Quarantine"), again),
    el("p", { class: "soft" }, "Messages that a service put aside. To look into one, send it again or forget it: ", el("code", {}, "flevents quarantine show"), ", ", el("code", {}, "replay"), ", ", el("code", {}, "discard"), "."),
    problems, table.element);
  table.element.hidden = true;
  await load();

  async function load() {
    again.disabled = true;
    const answers = await Promise.allSettled(settings.quarantinePaths.map(path => api.get(`${path}quarantine/?limit=200`, signal)));
    again.disabled = false;
    if (signal.aborted) { return; }
    const failed = answers.filter(answer => answer.status === "rejected").map(answer => answer.reason);
    fill(problems, failed.filter(error => error.status !== 401).map(error => notice(`Not everything can be shown: ${error.text ?? error.message}`, "warn")));
    const messages = answers.flatMap(answer => answer.value ?? []).sort((a, b) => b.at.localeCompare(a.at));
    table.element.hidden = messages.length === 0 && failed.length === answers.length;
    table.show(messages.map(message => ({ key: `${message.service}/${message.id}`, message, same: "" })));
  }
}
