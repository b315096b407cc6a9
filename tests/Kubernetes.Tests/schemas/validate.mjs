// Reads lists of Kubernetes objects by name from standard input, as JSON, and writes by the same names what is wrong with each list, in sentences.
// The schemas catch wrong types but pass unknown keys. A compiled schema looks at every key that it knows, so a key that it never looked at,
// in an object of which it looked at some, is unknown.
import { readFileSync } from "node:fs";
import Ajv from "ajv";

const packages = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};
const noSuchModule = ["ERR_MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"];

const rabbitmqCluster = new Ajv({ allErrors: true }).compile(
  JSON.parse(readFileSync(new URL("rabbitmq-cluster.schema.json", import.meta.url), "utf8")));

/** The parts of an object with the schema of each: [path, part, validator]. A validator returns its errors. */
async function partsOf(object) {
  if (object.apiVersion !== "rabbitmq.com/v1beta1" || object.kind !== "RabbitmqCluster") {
    return [["", object, await validatorOfKind(object)]];
  }

  const spec = object.spec ?? {};
  return [
    ["", object, listing(rabbitmqCluster)],
    ["/metadata", object.metadata, await validatorOfType("@kubernetes-models/apimachinery", "IoK8sApimachineryPkgApisMetaV1ObjectMeta")],
    ["/spec/resources", spec.resources, await validatorOfType("kubernetes-models", "IoK8sApiCoreV1ResourceRequirements")],
    ["/spec/affinity", spec.affinity, await validatorOfType("kubernetes-models", "IoK8sApiCoreV1Affinity")],
    ["/spec/override/…/spec", spec.override?.statefulSet?.spec?.template?.spec, await validatorOfType("kubernetes-models", "IoK8sApiCoreV1PodSpec")],
  ];
}

async function validatorOfKind({ apiVersion, kind }) {
  const [group, version] = apiVersion?.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  try {
    const model = (await import(`${packages[group] ?? "kubernetes-models"}/${group && `${group}/`}${version}/${kind}`))[kind];
    return data => {
      try {
        // On the data itself: the model's constructor would copy it.
        model.prototype.validate.call(data);
        return [];
      } catch (error) {
        if (!Array.isArray(error.errors)) {
          throw error;
        }
        return error.errors;
      }
    };
  } catch (error) {
    if (!noSuchModule.includes(error.code)) {
      throw error;
    }
    return () => [{ message: `there is no schema of ${apiVersion} ${kind}` }];
  }
}

const validatorOfType = async (name, type) => listing((await import(`${name}/_schemas/${type}`)).validate);

const listing = validate => data => validate(data) ? [] : validate.errors;

/** Wraps data so that the keys that a validator looks at are noted in an entry of its own for each object. */
function watched(data, path, entries) {
  if (data === null || typeof data !== "object") {
    return data;
  }

  // An array has no keys of its own to know, nor has an object whose keys are gone through: it is a map.
  const entry = { path, data, looked: new Set(), isMap: Array.isArray(data) };
  entries.push(entry);
  const children = new Map();
  return new Proxy(data, {
    get(target, key) {
      entry.looked.add(key);
      if (!Object.hasOwn(target, key)) {
        return Reflect.get(target, key);
      }
      if (!children.has(key)) {
        children.set(key, watched(target[key], `${path}/${String(key)}`, entries));
      }
      return children.get(key);
    },
    ownKeys(target) {
      entry.isMap = true;
      return Reflect.ownKeys(target);
    },
  });
}

const unknownKeys = entries => entries
  .filter(({ isMap, looked }) => !isMap && looked.size > 0)
  .flatMap(({ path, data, looked }) => Object.keys(data).filter(key => !looked.has(key)).map(key => `${path}/${key} is unknown`));

async function check(objects) {
  const problems = [];
  for (const object of objects) {
    for (const [path, part, validate] of await partsOf(object)) {
      if (part === undefined) {
        continue;
      }

      const entries = [];
      const errors = validate(watched(part, path, entries)).map(error =>
        `${path}${error.instancePath ?? ""} ${error.message}${error.params?.additionalProperty ? `: '${error.params.additionalProperty}'` : ""}`);
      problems.push(...[...errors, ...unknownKeys(entries)].map(problem => `${object.kind}/${object.metadata?.name}: ${problem.trim()}`));
    }
  }

  return problems;
}

const lists = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(await Promise.all(Object.entries(lists).map(async ([name, objects]) => [name, await check(objects)])))));
