// A form for a JSON Schema: a field for each key, sections for objects, and what is wrong beside each.
import { el, fill, say } from "./dom.js";
import { resolve, typesOf } from "./schema.js";

const title = key => key.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/^./, first => first.toUpperCase()).replaceAll(/ [A-Z]/g, word => word.toLowerCase());
const idOf = path => `f${path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;

export class Form {
  /**
   * @param schema of the whole value.
   * @param changed called after each change by a person.
   * @param suggestions texts to choose from by path.
   */
  constructor(schema, changed, suggestions = {}) {
    this.schema = schema;
    this.changed = changed;
    this.suggestions = suggestions;
    this.element = el("div", { class: "fields" });
    this.value = {};
  }

  /** Shows a value; the form keeps it and writes to it. */
  show(value) {
    this.value = value;
    this.errors = new Map();
    fill(this.element, this.members(this.schema, value, "$"));
  }

  /** Shows what is wrong: sentences by path. What belongs to no field is returned. */
  tell(errors) {
    const rest = [];
    const left = new Map(this.errors);
    for (const [path, sentences] of errors) {
      // An error inside a list is shown at the field of the list.
      const at = [...this.errors.keys()].filter(known => path === known || path.startsWith(`${known}.`) || path.startsWith(`${known}[`)).sort((a, b) => b.length - a.length)[0];
      if (!at) { rest.push(...sentences.map(sentence => `${path}: ${sentence}`)); continue; }
      this.mark(at, sentences.join(" "));
      left.delete(at);
    }
    left.forEach((_, path) => this.mark(path, ""));
    return rest;
  }

  mark(path, text) {
    const { error, input } = this.errors.get(path);
    say(error, text);
    error.hidden = text === "";
    if (text === "") { input.removeAttribute("aria-invalid"); } else { input.setAttribute("aria-invalid", "true"); }
    for (let box = input.closest("details"); box && text !== ""; box = box.parentElement.closest("details")) { box.open = true; }
  }

  members(schema, value, path) {
    const { properties = {}, required = [] } = schema;
    const entries = Object.entries(properties).map(([key, child]) => ({ key, child: resolve(child, this.schema), isRequired: required.includes(key) }));
    const isObject = ({ child }) => typesOf(child).includes("object");
    const isFirst = entry => entry.isRequired || ["mode", "name", "dataSet"].includes(entry.key)
      || (value[entry.key] !== undefined && JSON.stringify(value[entry.key]) !== JSON.stringify(entry.child.default));
    const plain = entries.filter(entry => !isObject(entry));
    const more = plain.filter(entry => !isFirst(entry));
    return [
      el("div", { class: "row" }, plain.filter(isFirst).map(entry => this.field(entry, value, path))),
      more.length > 0 ? el("details", { class: "more" }, el("summary", {}, `${more.length} more with defaults`), el("div", { class: "row" }, more.map(entry => this.field(entry, value, path)))) : null,
      ...entries.filter(isObject).map(entry => this.part(entry, value, path)),
    ];
  }

  part({ key, child, isRequired }, parent, path) {
    const here = `${path}.${key}`;
    const isOptional = !isRequired && typesOf(child).includes("null");
    const place = el("div");
    const draw = () => fill(place, isOptional && !parent[key] ? null : this.members(child, parent[key] ??= {}, here));
    const toggle = isOptional ? el("input", { type: "checkbox", id: `${idOf(here)}-on`, onchange: () => {
      if (toggle.checked) { parent[key] = {}; } else { delete parent[key]; this.forget(here); }
      draw();
      this.changed();
    } }) : null;
    if (toggle) { toggle.checked = Boolean(parent[key]); }
    const error = el("p", { class: "error", hidden: true, id: `${idOf(here)}-e` });
    const box = el("fieldset", {}, el("legend", {}, toggle ? el("label", {}, toggle, ` ${title(key)}`) : title(key)), el("p", { class: "soft" }, child.description ?? ""), error, place);
    this.errors.set(here, { error, input: toggle ?? box });
    draw();
    return box;
  }

  forget(path) {
    [...this.errors.keys()].filter(known => known.startsWith(`${path}.`)).forEach(known => this.errors.delete(known));
  }

  field({ key, child, isRequired }, parent, path) {
    const here = `${path}.${key}`;
    const id = idOf(here);
    const error = el("span", { class: "error", id: `${id}-e`, hidden: true });
    const input = this.input(id, child, parent[key], this.suggestions[here]);
    input.setAttribute("aria-describedby", `${id}-d ${id}-e`);
    if (isRequired) { input.setAttribute("aria-required", "true"); }
    const read = () => {
      const value = this.read(input, child);
      if (value === undefined) { delete parent[key]; } else { parent[key] = value; }
      this.changed();
    };
    input.addEventListener(input.tagName === "SELECT" || input.type === "checkbox" ? "change" : "input", read);
    this.errors.set(here, { error, input });
    const isCheck = input.type === "checkbox";
    const range = child.minimum !== undefined && child.maximum !== undefined ? ` ${child.minimum} to ${child.maximum}.` : "";
    const list = this.suggestions[here] ? el("datalist", { id: `${id}-l` }, this.suggestions[here].map(text => el("option", { value: text }))) : null;
    return el("div", { class: `field${isCheck ? " check" : ""}${input.tagName === "TEXTAREA" ? " wide" : ""}` },
      isCheck ? el("label", { for: id }, input, ` ${title(key)}`) : [el("label", { for: id }, title(key), isRequired ? el("span", { class: "soft", "aria-hidden": "true" }, " *") : null), input],
      list,
      el("small", { id: `${id}-d`, title: range.trim() }, `${child.description ?? ""}${range}`),
      error);
  }

  input(id, schema, value, suggested) {
    const types = typesOf(schema);
    if (schema.enum) {
      const isEmpty = types.includes("null") || schema.default === undefined;
      const select = el("select", { id }, isEmpty ? el("option", { value: "" }, "–") : null, schema.enum.filter(name => name !== null).map(name => el("option", { value: name }, name)));
      select.value = value ?? schema.default ?? "";
      return select;
    }
    if (types.includes("boolean")) {
      const check = el("input", { id, type: "checkbox" });
      check.checked = value ?? schema.default ?? false;
      return check;
    }
    if (types.includes("array") && resolve(schema.items ?? {}, this.schema).type === "object") {
      const area = el("textarea", { id, rows: "3", spellcheck: "false", placeholder: "JSON" });
      area.value = value === undefined || value === null ? "" : JSON.stringify(value, null, 1);
      return area;
    }
    const isNumber = types.includes("number") || types.includes("integer");
    const input = el("input", { id, type: "text", inputmode: isNumber ? "decimal" : null, autocomplete: "off", spellcheck: "false", list: suggested ? `${id}-l` : null, placeholder: schema.default ?? (types.includes("array") ? "1, 28, 28" : null) });
    input.value = value === undefined || value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
    return input;
  }

  // What cannot be read as the type is kept as it was typed, for the schema to refuse.
  read(input, schema) {
    const types = typesOf(schema);
    if (input.type === "checkbox") { return input.checked; }
    const text = input.value.trim();
    if (text === "") { return undefined; }
    const number = part => part.trim() !== "" && Number.isFinite(Number(part)) ? Number(part) : part.trim();
    if (types.includes("array")) {
      if (input.tagName === "TEXTAREA") { try { return JSON.parse(text); } catch { return text; } }
      return text.split(",").map(part => typesOf(schema.items ?? {}).includes("string") ? part.trim() : number(part));
    }
    return types.includes("number") || types.includes("integer") ? number(text) : input.value;
  }
}
