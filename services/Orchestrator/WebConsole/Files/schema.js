// JSON Schema as far as the product's own schemas use it. What it does not know it does not check: the service does, before anything begins.

const isObject = value => value !== null && typeof value === "object" && !Array.isArray(value);

const checks = {
  string: value => typeof value === "string",
  number: value => typeof value === "number" && Number.isFinite(value),
  integer: value => Number.isInteger(value),
  boolean: value => typeof value === "boolean",
  array: Array.isArray,
  object: isObject,
  null: value => value === null,
};

const names = { string: "a text", number: "a number", integer: "a whole number", boolean: "true or false", array: "a list", object: "an object", null: "null" };

/** The schema that a pointer such as #/properties/run leads to. */
export function resolve(schema, root) {
  if (!schema.$ref) { return schema; }
  const found = schema.$ref.replace(/^#\/?/, "").split("/").filter(Boolean).reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], root);
  return { ...found, ...schema, $ref: undefined };
}

export const typesOf = schema => schema.type === undefined ? [] : [schema.type].flat();

/** Everything that is wrong with a value: { path, message }, with paths as the service writes them, e.g. $.model.hidden[0]. */
export function validate(value, schema, root = schema, path = "$") {
  const known = resolve(schema, root);
  const types = typesOf(known);
  if (types.length > 0 && !types.some(type => checks[type]?.(value))) {
    return [{ path, message: `Expected ${types.filter(type => type !== "null").map(type => names[type] ?? type).join(" or ")}.` }];
  }
  if (value === null) { return []; }
  if (known.enum && !known.enum.includes(value)) {
    return [{ path, message: `Expected ${known.enum.filter(name => name !== null).join(", ")}.` }];
  }
  if (typeof value === "number") { return numberErrors(value, known, path); }
  if (typeof value === "string") { return textErrors(value, known, path); }
  if (Array.isArray(value)) { return known.items ? value.flatMap((item, i) => validate(item, known.items, root, `${path}[${i}]`)) : []; }
  return isObject(value) ? objectErrors(value, known, root, path) : [];
}

function numberErrors(value, { minimum, maximum }, path) {
  const range = minimum === undefined ? `at most ${maximum}` : maximum === undefined ? `at least ${minimum}` : `${minimum} to ${maximum}`;
  return (minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum) ? [{ path, message: `Expected ${range}, got ${value}.` }] : [];
}

function textErrors(value, { minLength, maxLength, pattern }, path) {
  // Characters as the schema counts them, not as UTF-16 does.
  const length = [...value].length;
  if (minLength !== undefined && length < minLength) { return [{ path, message: length === 0 ? "This must be given." : `Expected at least ${minLength} characters.` }]; }
  if (maxLength !== undefined && length > maxLength) { return [{ path, message: `Expected at most ${maxLength} characters, got ${length}.` }]; }
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) { return [{ path, message: `Expected a text like ${pattern.replace(/^\^\(\?:(.*)\)\$$/, "$1")}.` }]; }
  return [];
}

function objectErrors(value, { properties = {}, required = [], additionalProperties }, root, path) {
  const missing = required.filter(key => !Object.hasOwn(value, key) || value[key] === undefined).map(key => ({ path: `${path}.${key}`, message: "This must be given." }));
  const unknown = additionalProperties === false ? Object.keys(value).filter(key => !Object.hasOwn(properties, key)).map(key => ({ path: `${path}.${key}`, message: "There is no such key." })) : [];
  const inside = Object.entries(value).filter(([key]) => Object.hasOwn(properties, key)).flatMap(([key, item]) => validate(item, properties[key], root, `${path}.${key}`));
  return [...missing, ...unknown, ...inside];
}
