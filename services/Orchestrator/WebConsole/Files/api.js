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
  const problem = await response.json().catch(() => ({}));
  const failure = new ApiError(response.status, problem.detail ?? problem.title ?? `The service answers with ${response.status}.`, problem.errors);
  if (response.status === 401) { signedOut.dispatchEvent(new CustomEvent("refused", { detail: failure.message })); }
  throw failure;
}

export const api = {
  get: async (path, signal) => (await send(path, { signal })).json(),
  post: async (path, value, signal, headers) => (await send(path, { method: "POST", body: value === undefined ? undefined : JSON.stringify(value), signal, headers })).json(),
  blob: async (path, signal) => (await send(path, { signal })).arrayBuffer(),

  /** Whether a key is known, without taking it over; a key without the scope is known as well. */
  async isKnown(bearer) {
    try {
      await send("runs/?limit=1", { bearer });
    } catch (error) {
      if (error.status !== 403) { throw error; }
    }
  },
};

const pause = (milliseconds, signal) => new Promise(resolve => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

const visible = signal => !document.hidden ? Promise.resolve() : new Promise(resolve => {
  const look = () => { if (!document.hidden || signal.aborted) { document.removeEventListener("visibilitychange", look); resolve(); } };
  document.addEventListener("visibilitychange", look);
  signal.addEventListener("abort", look, { once: true });
});

/**
 * Reads server-sent events until the signal or `isOver()`. A browser's own EventSource sends no header, so the stream is read as it comes.
 * It is let go while the page is hidden (a browser has six connections to a server for all tabs) and begun again after; each beginning tells all anew.
 * @param on {(name: string, data: object) => void}
 * @param state {(text: "live" | "waiting" | "over") => void}
 */
export async function stream(path, { signal, on, isOver = () => false, state = () => {} }) {
  let failures = 0;
  while (!signal.aborted && !isOver()) {
    await visible(signal);
    if (signal.aborted) { return; }
    const one = new AbortController();
    const stop = () => one.abort();
    const hidden = () => { if (document.hidden) { stop(); } };
    signal.addEventListener("abort", stop);
    document.addEventListener("visibilitychange", hidden);
    try {
      const response = await send(path, { signal: one.signal, headers: { Accept: "text/event-stream" } });
      state("live");
      for await (const [name, data] of events(response.body)) {
        failures = 0;
        on(name, data);
      }
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) { throw error; }
    } finally {
      signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", hidden);
    }
    if (signal.aborted || isOver()) { break; }
    if (!document.hidden) {
      state("waiting");
      await pause(Math.min(15_000, 500 * 2 ** failures++), signal);
    }
  }
  if (isOver()) { state("over"); }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let [name, data] = ["message", []];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) { return; }
    text += value;
    const lines = text.split("\n");
    text = lines.pop();
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (data.length > 0) { yield [name, JSON.parse(data.join("\n"))]; }
        [name, data] = ["message", []];
      } else if (line.startsWith("event:")) {
        name = line.slice(6).trim();
      } else if (line.startsWith("data:")) {
        data.push(line.slice(5).trimStart());
      }
    }
  }
}
