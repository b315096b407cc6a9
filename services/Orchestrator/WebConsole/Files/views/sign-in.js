// Asks for an API key or a token.
import { api } from "../api.js";
import { el, fill, say } from "../dom.js";

export function show({ view, reason, announce, done }) {
  const input = el("input", { id: "bearer", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "bearer-note bearer-error" });
  const error = el("p", { id: "bearer-error", class: "error", role: "alert" }, reason ?? "");
  const button = el("button", { type: "submit" }, "Sign in");
  const form = el("form", { class: "sign-in panel", novalidate: true, onsubmit: submit },
    el("h1", {}, "Sign in"),
    el("label", { for: "bearer" }, "API key or token"),
    input,
    el("p", { id: "bearer-note", class: "soft" }, "A key that ", el("code", {}, "flevents api-key"), " has made, or a token of your identity provider. It is kept in this tab until you close it or sign out."),
    error,
    button);
  fill(view, form);
  input.focus();

  async function submit(event) {
    event.preventDefault();
    const bearer = input.value.trim();
    if (bearer === "" || /[^\x21-\x7e]/.test(bearer)) {
      input.setAttribute("aria-invalid", "true");
      say(error, bearer === "" ? "Paste an API key or a token." : "A key or token has no blanks and no characters beyond ASCII.");
      input.focus();
      return;
    }
    button.disabled = true;
    try {
      const known = await api.session(bearer);
      announce(`Signed in as ${known.name}.`);
      done(bearer, known);
    } catch (failure) {
      input.setAttribute("aria-invalid", "true");
      say(error, failure.message);
      input.focus();
      input.select();
    } finally {
      button.disabled = false;
    }
  }
}
