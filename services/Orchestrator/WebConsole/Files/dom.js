// Elements are made here and nowhere else. What comes from the services is hostile input: it becomes text nodes and attribute values, never markup.

/** Makes an element. Attributes that are null, undefined or false are left out; `on…` attributes are listeners; children that are null are left out. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) { continue; }
    if (key.startsWith("on")) { element.addEventListener(key.slice(2), value); continue; }
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

/** Sets a text only where it differs, so that nothing is read aloud or laid out again for nothing. */
export function say(element, text) {
  if (element.textContent !== text) { element.textContent = text; }
}

/** A bar for the eye; its value stands beside it as text. Share in [0, 1]. */
export function bar(share, kind = "") {
  const inner = el("i");
  inner.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return el("span", { class: `meter ${kind}`, "aria-hidden": "true" }, inner);
}

/**
 * A table whose rows are kept by key, so that what is focused or selected stays while values change.
 * Columns: { title, cell(row) → node or text, class, head (whether the cell names its row) }. Of kind `whole` it is the page itself and
 * scrolls with it, of kind `whole cards` a row is a card where the page is narrow.
 * The roles are those that the elements have already: a browser forgets them where a style makes cards of rows.
 */
export class Table {
  constructor(caption, columns, empty, kind = null) {
    this.columns = columns;
    this.rows = new Map();
    this.body = el("tbody", { role: "rowgroup" });
    this.empty = el("p", { class: "soft empty" }, empty);
    this.scroll = el("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
      el("table", { role: "table" },
        el("caption", { class: "unseen" }, caption),
        el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map(column => el("th", { role: "columnheader", scope: "col", class: column.class }, column.title)))),
        this.body));
    this.element = el("div", { class: kind }, this.scroll, this.empty);
    this.show([]);
  }

  /** Shows rows in order: { key, … }. A row whose `same` text is as before is left alone. */
  show(rows) {
    const kept = new Map();
    rows.forEach(row => {
      const old = this.rows.get(row.key);
      const same = row.same ?? null;
      kept.set(row.key, old && same !== null && old.same === same ? old : { same, element: this.row(row, old?.element) });
    });
    this.rows.forEach((old, key) => { if (!kept.has(key)) { old.element.remove(); } });
    let before = this.body.firstChild;
    for (const { element } of kept.values()) {
      if (element === before) { before = before.nextSibling; } else { this.body.insertBefore(element, before); }
    }
    this.rows = kept;
    this.scroll.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
  }

  row(row, old) {
    const cells = this.columns.map(column => el(column.head ? "th" : "td", { role: column.head ? "rowheader" : "cell", class: column.class, scope: column.head ? "row" : null, "data-title": column.title }, column.cell(row)));
    const element = old ?? el("tr", { role: "row" });
    element.className = row.class ?? "";
    if (!element.contains(document.activeElement) || !old) { return fill(element, cells); }
    // Somebody is in this row: cells with a link or a button are kept.
    cells.forEach((cell, i) => { if (!element.children[i].contains(document.activeElement)) { element.children[i].replaceWith(cell); } });
    return element;
  }
}

/**
 * A button for what cannot be taken back: its first press asks, its second one, while it has the focus, does it. No dialog takes the focus away. Neither a double
 * click nor a key that is held down is two presses.
 * @param question {() => string} what it is called while it asks; null where nothing can be done yet.
 */
export function sureButton(text, kind, question, act, announce) {
  let [isSure, isBusy] = [false, false];
  const button = el("button", {
    type: "button", class: kind,
    onkeydown: event => {
      if (event.repeat && event.key === "Enter") { event.preventDefault(); }
      if (event.key === "Escape") { calm(); }
    },
    onblur: () => calm(),
    onclick: async event => {
      if (event.detail > 1 || isBusy) { return; }
      if (!isSure) {
        const asked = question();
        if (asked === null) { return; }
        isSure = true;
        button.classList.add("sure");
        say(button, asked);
        announce(`${asked} Press again to confirm, Escape to leave it.`);
        return;
      }
      calm();
      // A button that is disabled loses the focus.
      isBusy = true;
      button.setAttribute("aria-disabled", "true");
      try {
        await act();
      } finally {
        isBusy = false;
        button.removeAttribute("aria-disabled");
      }
    },
  }, text);
  return button;

  function calm() {
    if (!isSure) { return; }
    isSure = false;
    button.classList.remove("sure");
    say(button, text);
  }
}

/** A labelled field of a form, with what is said of it and what is wrong with it. */
export function field(id, label, input, note) {
  const error = el("span", { class: "error", id: `${id}-e`, hidden: true });
  input.id = id;
  input.setAttribute("aria-describedby", `${id}-d ${id}-e`);
  return {
    input,
    element: el("div", { class: "field" }, el("label", { for: id }, label), input, el("small", { id: `${id}-d` }, note), error),
    /** Shows what is wrong with it; nothing for null. */
    tell(text) {
      say(error, text ?? "");
      error.hidden = text === null;
      if (text === null) { input.removeAttribute("aria-invalid"); } else { input.setAttribute("aria-invalid", "true"); }
    },
  };
}

/** A sentence about something that went wrong or is missing. */
export const notice = (text, kind = "warn") => el("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, text);

/** A titled part of a page. */
export function section(title, ...children) {
  const id = `h-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

/** A row of figures: { name, value, note }. Elements stay; values change. */
export class Figures {
  constructor() {
    this.element = el("dl", { class: "figures" });
    this.parts = new Map();
  }

  show(figures) {
    for (const { name, value, note } of figures) {
      let part = this.parts.get(name);
      if (!part) {
        part = { value: el("span"), note: el("small") };
        this.parts.set(name, part);
        this.element.append(el("div", {}, el("dt", {}, name), el("dd", {}, part.value, part.note)));
      }
      say(part.value, value);
      say(part.note, note ?? "");
    }
  }
}
