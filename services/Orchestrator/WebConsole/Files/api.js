// Requests to the service that this page came from. Paths are relative to its root, so that it may stand behind a prefix.
import { session } from "./session.js";

const root = new URL("../", import.meta.url);

/** What a service says when it does not do what it was asked. */
export class ApiError extends Error {
  constructor(status, detail, errors) {
    super(detail);
    this.status = status;
    /** Sentences by path, such as $.rounds; null where it is not about fields. */
    this.errors = errors ?? null;
  }

  /** A sentence for people. */
  get text() {
    return this.status === 403 ? `Your key is missing a scope: ${this.message}` : this.message;
  }
}

/** Raised when nobody is known any more: sign in again. */
export const signedOut = new EventTarget();

async function send(path, { method = "GET", body, headers = {}, signal, bearer = session.bearer } = {}) {
  const all = { ...headers };
  if (bearer) { all.Authorization = `Bearer ${bearer}`; }
  if (body !== undefined) { all["Content-Type"] = "application/json"; }
  let response;
  try {
    response = await fetch(new URL(path, root), { method, headers: all, body, signal, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
  } catch (error) {
    if (error.name === "AbortError") { throw error; }
    throw new ApiError(0, "The Orchestrator cannot be reached.");
  }
  if (response.ok) { return response; }
  const problem = await response.json().catch(() => null) ?? {};
  const failure = new ApiError(response.status, problem.detail ?? problem.title ?? `The service answers with ${response.status}.`, problem.errors);
  if (response.status === 401) { signedOut.dispatchEvent(new CustomEvent("refused", { detail: failure.message })); }
  throw failure;
}

export const api = {
  get: async (path, signal) => (await send(path, { signal })).json(),
  post: (path, value, signal, headers) => change("POST", path, value, signal, headers),
  put: (path, value, signal) => change("PUT", path, value, signal),
  delete: (path, signal) => change("DELETE", path, undefined, signal),
  blob: async (path, signal) => (await send(path, { signal })).arrayBuffer(),

  /** Who is known by a key and what it opens, { name, scopes }, without taking it over. */
  session: async bearer => (await send("console/session.json", { bearer })).json(),
};

/** What came of a change; null where the service says nothing more. */
async function change(method, path, value, signal, headers) {
  const response = await send(path, { method, body: value === undefined ? undefined : JSON.stringify(value), signal, headers });
  return response.status === 204 ? null : response.json();
}

const pause = (milliseconds, signal) => new Promise(resolve => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

const visible = signal => !document.hidden ? Promise.resolve() : new Promise(resolve => {
  const look = () => { if (!document.hidden || signal.aborted) { document.removeEventListener("visibilitychange", look); resolve(); } };
  document.addEventListener("visibilitychange", look);
  signal.addEventListener("abort", look, { once: true });
});

// A service says something every fifteen seconds at least: who is silent for so long is no longer there, whatever the connection looks like.
const LongestQuiet = 45_000;
const LongestPause = 15_000;

// Nobody's fault for good: too many requests, or too slow ones.
const isPassing = error => !(error instanceof ApiError) || error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500;

/**
 * Reads server-sent events until the signal or `isOver()`. A browser's own EventSource sends no header, so the stream is read as it comes.
 * It is let go while the page is hidden (a browser has six connections to a server for all tabs) and begun again after, from the last event's id where it
 * has one; without, each beginning tells all anew.
 * @param on {(name: string, data: object) => void}
 * @param state {(text: "live" | "waiting" | "over") => void}
 */
export async function stream(path, { signal, on, isOver = () => false, state = () => {} }) {
  let [failures, last] = [0, null];
  while (!signal.aborted && !isOver()) {
    await visible(signal);
    if (signal.aborted) { return; }
    const one = new AbortController();
    const hidden = () => { if (document.hidden) { one.abort(); } };
    let quiet = 0;
    const heard = () => { clearTimeout(quiet); quiet = setTimeout(() => one.abort(), LongestQuiet); };
    document.addEventListener("visibilitychange", hidden);
    try {
      heard();
      const response = await send(path, { signal: AbortSignal.any([signal, one.signal]), headers: { Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) } });
      state("live");
      for await (const { id, name, data } of events(response.body, heard)) {
        [failures, last] = [0, id];
        told(on, name, data);
      }
    } catch (error) {
      if (!isPassing(error)) { throw error; }
    } finally {
      clearTimeout(quiet);
      document.removeEventListener("visibilitychange", hidden);
    }
    if (signal.aborted || isOver()) { break; }
    if (!document.hidden) {
      state("waiting");
      // Not all at once, when a service comes back to many tabs.
      await pause(Math.min(LongestPause, 500 * 2 ** failures++) * (0.5 + Math.random() / 2), signal);
    }
  }
  if (isOver()) { state("over"); }
}

// A fault of the page is none of the connection: it is reported as what it is, and the next event may do better.
function told(on, name, data) {
  try {
    on(name, data);
  } catch (error) {
    reportError(error);
  }
}

async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let [id, name, data] = [null, "message", []];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) { return; }
      heard();
      text += value;
      const lines = text.split("\n");
      text = lines.pop();
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line === "") {
          if (data.length > 0) { yield { id, name, data: JSON.parse(data.join("\n")) }; }
          [name, data] = ["message", []];
        } else if (line.startsWith("event:")) {
          name = line.slice(6).trim();
        } else if (line.startsWith("id:")) {
          id = line.slice(3).trim();
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).trimStart());
        }
      }
    }
  } finally {
    // Whoever stops reading lets the connection go.
    reader.cancel().catch(() => {});
  }
}
