// Clients that come over HTTPS: who is invited, whose key waits, who is let in.
import { api } from "../api.js";
import { el, field, fill, notice, say, sureButton, Table } from "../dom.js";
import * as format from "../format.js";

const MostHours = 8760;
const LongestOwner = 200;

/** The state of an enrolment: colour, sign and word. */
function pill(state) {
  const { kind, sign, text } = format.enrolmentState(state);
  return el("span", { class: `state ${kind}` }, el("span", { "aria-hidden": "true" }, sign), ` ${text}`);
}

const key = text => text === null ? "–" : el("code", { class: "whole" }, text);

const columns = [
  { title: "Client", head: true, class: "name", cell: ({ enrolment }) => enrolment.clientId },
  { title: "State", cell: ({ enrolment }) => [pill(enrolment.state), enrolment.state === "invited" ? el("small", {}, `until ${format.date(enrolment.tokenEndsAt)}`) : null] },
  { title: "Owner", class: "text", cell: ({ enrolment }) => enrolment.owner },
  { title: "Key (SHA-256)", class: "text", cell: ({ enrolment }) => [key(enrolment.keySha256), enrolment.waitingKeySha256 === null ? null : el("small", { class: "warn" }, "waits: ", el("code", { class: "whole" }, enrolment.waitingKeySha256))] },
  { title: "Changed", cell: ({ enrolment }) => el("time", { datetime: enrolment.changedAt, title: format.time(enrolment.changedAt) }, format.date(enrolment.changedAt)) },
];

export async function show({ view, signal, announce, title, may }) {
  title("Enrolment");
  const actions = { title: "What to do", class: "do", cell: row => row.enrolment.state === "revoked" && row.enrolment.waitingKeySha256 === null ? "–" : el("div", { class: "actions" }, buttons(row.enrolment)) };
  const table = new Table("Clients that come over HTTPS", may("runs:write") ? columns.toSpliced(2, 0, actions) : columns, "Nobody was invited yet.", "whole cards");
  const again = el("button", { type: "button", class: "quiet", onclick: load }, "Look again");
  const failed = el("div");
  const invitation = el("div");
  view.append(
    el("div", { class: "head" }, el("h1", {}, "Enrolment"), el("div", { class: "actions" }, again)),
    el("p", { class: "soft" }, "Clients that take part over HTTPS, with a key of their own. A token is for one enrolment; the key that comes with it counts once it is approved. Workers on the broker enrol by themselves and are not listed here."),
    failed, table.element);
  if (may("runs:write")) { view.append(el("h2", {}, "Invite a client"), inviteForm(), invitation); }
  table.element.hidden = true;
  await load();

  async function load() {
    const all = await api.get("enrolments/", signal);
    table.element.hidden = false;
    table.show(all.map(enrolment => ({ key: enrolment.clientId, enrolment, same: JSON.stringify(enrolment) })));
  }

  function buttons(enrolment) {
    const { clientId, owner, state, waitingKeySha256 } = enrolment;
    const change = (path, text, kind, question, done, value) =>
      sureButton(text, kind, () => question, () => act(clientId, () => api.post(`enrolments/${encodeURIComponent(clientId)}/${path}`, value, signal), done), announce);
    return [
      waitingKeySha256 === null ? null
        : change("approve", "Approve", "", `Charge ${clientId} to ${owner} and let key ${waitingKeySha256.slice(0, 8)}… in? Compare the whole key with ${owner} first.`, "is let in", { keySha256: waitingKeySha256 }),
      state === "active" ? change("suspend", "Suspend", "quiet", `Suspend ${clientId}: neither draw nor hear it?`, "is suspended") : null,
      state === "suspended" ? change("resume", "Resume", "quiet", `Draw and hear ${clientId} again?`, "takes part again") : null,
      state === "revoked" ? null : change("revoke", "Revoke", "danger", `End the enrolment of ${clientId} for good?`, "has left"),
    ];
  }

  async function act(clientId, change, done) {
    fill(failed);
    try {
      await change();
      announce(`${clientId} ${done}.`);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) { return; }
      fill(failed, notice(error.text ?? error.message, "bad"));
    }
    // What was pressed goes, and the focus would go with it.
    again.focus();
    await load();
  }

  function inviteForm() {
    const text = attributes => el("input", { type: "text", autocomplete: "off", spellcheck: "false", required: true, oninput: check, ...attributes });
    const client = field("invite-client", "Client", text(), "1 to 64 of a-z, 0-9 and -. One that is there already is invited again, for another key.");
    const owner = field("invite-owner", "Owner", text(), "Whose budgets its data is charged to. It can’t be changed later.");
    const hours = field("invite-hours", "Valid, hours", text({ inputmode: "numeric", value: "72" }), `1 to ${MostHours}.`);
    const button = el("button", { type: "submit" }, "Invite");
    const said = el("p", { class: "error", role: "alert" });
    const touched = new Set();
    return el("form", { class: "panel", novalidate: true, onsubmit: invite }, el("div", { class: "row" }, client.element, owner.element, hours.element), said, button);

    function problems() {
      const [id, name, time] = [client, owner, hours].map(({ input }) => input.value.trim());
      return [
        [client, /^[a-z0-9-]{1,64}$/.test(id) ? null : "Expected 1 to 64 of a-z, 0-9 and -."],
        [owner, name.length >= 1 && name.length <= LongestOwner ? null : `Expected 1 to ${LongestOwner} characters.`],
        [hours, /^\d{1,4}$/.test(time) && Number(time) >= 1 && Number(time) <= MostHours ? null : `Expected 1 to ${MostHours}.`],
      ];
    }

    // A field that nobody has come to yet is not wrong.
    function check(event) {
      touched.add(event.currentTarget);
      problems().forEach(([place, text]) => place.tell(touched.has(place.input) ? text : null));
    }

    async function invite(event) {
      event.preventDefault();
      const wrong = problems();
      wrong.forEach(([place, text]) => { touched.add(place.input); place.tell(text); });
      const first = wrong.find(([, text]) => text !== null);
      if (first) { first[0].input.focus(); return; }
      button.disabled = true;
      say(said, "");
      try {
        const answer = await api.post("enrolments/", { clientId: client.input.value.trim(), owner: owner.input.value.trim(), validHours: Number(hours.input.value) }, signal);
        showToken(answer);
        [client, owner].forEach(({ input }) => { input.value = ""; touched.delete(input); });
        await load();
      } catch (error) {
        if (error.name !== "AbortError" && error.status !== 401) { say(said, error.text ?? error.message); }
      } finally {
        button.disabled = false;
        if (document.activeElement === document.body) { button.focus(); }
      }
    }
  }

  // Held by this element alone: it goes with the page, and nobody can ask for it again.
  function showToken({ clientId, owner, token, endsAt }) {
    const input = el("input", { id: "token", type: "text", readonly: true, value: token, spellcheck: "false", onfocus: () => input.select() });
    const said = el("span", { class: "soft", role: "status" });
    const copy = el("button", { type: "button", class: "quiet", hidden: !navigator.clipboard, onclick: () => navigator.clipboard.writeText(token).then(() => say(said, "Copied."), () => say(said, "The browser did not copy it: copy it by hand.")) }, "Copy");
    fill(invitation, el("section", { class: "panel token", "aria-labelledby": "h-token" },
      el("h3", { id: "h-token" }, `Token for ${clientId}`),
      el("p", {}, `Shown this once: the service keeps no more than its hash. Give it to ${owner}; it is good until ${format.time(endsAt)}.`),
      el("label", { for: "token" }, "One-time token"), input,
      el("div", { class: "actions" }, copy, el("button", { type: "button", class: "quiet", onclick: () => { fill(invitation); announce("The token is gone from this page."); document.getElementById("invite-client").focus(); } }, "I have it"), said)));
    announce(`${clientId} is invited. Its token is shown this once.`);
    input.focus();
  }
}
