// A generation as data; the format is described in docs/page.md. src/gesso/lm/trace.py writes the same.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** One denoising step. Columns have one value for each position of the canvas. */
export interface TraceStep {
  canvas: number;
  step: number;
  total: number;
  temperature: number | null;
  seconds: number;
  /** A letter for each position: n noise, d draft, a accepted. */
  state: string;
  /** What is shown: "" is a control token, null goes on with the character before it. */
  text: (string | null)[];
  /** The most likely token by position, where it is not what is shown. */
  draft: Record<string, string>;
  /** In nats. */
  entropy: number[];
  /** What may stand at a position and how likely it is, likeliest first, where there is something to choose from. */
  alternatives?: Record<string, [string, number][]>;
}

/** A canvas that is final. */
export interface TraceCommit {
  canvas: number;
  steps: number;
  /** How often a draft of it was read from left to right; absent in traces that are older. */
  readings?: number;
  converged: boolean | null;
  /** Positions that count; the rest stands behind the end of the text. */
  tokens: number;
  text: string;
}

export interface TraceResult {
  text: string;
  finish_reason: string;
  tokens: number;
  seconds: number;
}

/** How far a text had come: seconds since the beginning, characters, tokens. */
export type Mark = [seconds: number, characters: number, tokens: number];

/** The same request, written word after word by the same weights. */
export interface LeftToRight {
  text: string;
  marks: Mark[];
  /** It has come to its end. */
  finished: boolean;
}

export type TraceRequest = { prompt: string } | { messages: { role: string; content: string }[] };

export interface Trace {
  format: "gesso-trace";
  version: 1;
  model: string;
  request: TraceRequest;
  settings: Record<string, Json>;
  steps: TraceStep[];
  commits: TraceCommit[];
  /** null while it is being written. */
  result: TraceResult | null;
  /** Only of a race. */
  left_to_right?: LeftToRight;
}

export class TraceError extends Error {}

/** Read a trace, or say in a line why it is none. */
export function parseTrace(source: string): Trace {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw new TraceError("This file is not JSON; choose a trace that gesso wrote.");
  }
  if (!isObject(value) || value["format"] !== "gesso-trace") {
    throw new TraceError("This file is not a gesso trace; choose one that gesso wrote.");
  }
  if (value["version"] !== 1) {
    throw new TraceError(`This trace has version ${String(value["version"])}; this page reads version 1.`);
  }
  const { model, request, settings, steps, commits, result } = value;
  check(typeof model === "string", "model");
  check(isRequest(request), "request");
  check(isObject(settings), "settings");
  check(Array.isArray(steps) && steps.every(isStep) && sameLength(steps), "steps");
  check(Array.isArray(commits) && commits.every(isCommit), "commits");
  check(result === null || isResult(result), "result");
  check(value["left_to_right"] === undefined || isLeftToRight(value["left_to_right"]), "left_to_right");
  return value as unknown as Trace;
}

/** The last thing that was asked. */
export function questionOf(trace: Trace): string {
  return "prompt" in trace.request ? trace.request.prompt : (trace.request.messages.at(-1)?.content ?? "");
}

function check(holds: boolean, field: string): void {
  if (!holds) throw new TraceError(`The trace is damaged: its field "${field}" is not as it should be.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRequest(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (typeof value["prompt"] === "string") return true;
  const messages = value["messages"];
  return (
    Array.isArray(messages) &&
    messages.every((one) => isObject(one) && typeof one["role"] === "string" && typeof one["content"] === "string")
  );
}

function hasNumbers(value: Record<string, unknown>, ...names: string[]): boolean {
  return names.every((name) => Number.isFinite(value[name]));
}

function isStep(value: unknown): value is TraceStep {
  if (!isObject(value) || !hasNumbers(value, "canvas", "step", "total", "seconds")) return false;
  const { state, text, draft, entropy } = value;
  return (
    typeof state === "string" &&
    /^[nda]+$/.test(state) &&
    Array.isArray(text) &&
    text.length === state.length &&
    text.every((one) => one === null || typeof one === "string") &&
    Array.isArray(entropy) &&
    entropy.length === state.length &&
    entropy.every((one) => Number.isFinite(one)) &&
    isObject(draft) &&
    Object.values(draft).every((one) => typeof one === "string") &&
    (value["alternatives"] === undefined || isChoices(value["alternatives"]))
  );
}

function isChoices(value: unknown): boolean {
  const isPair = (one: unknown): boolean =>
    Array.isArray(one) && typeof one[0] === "string" && Number.isFinite(one[1]);
  return isObject(value) && Object.values(value).every((one) => Array.isArray(one) && one.every(isPair));
}

function isLeftToRight(value: unknown): boolean {
  if (!isObject(value) || typeof value["text"] !== "string" || typeof value["finished"] !== "boolean") return false;
  const isMark = (one: unknown): boolean =>
    Array.isArray(one) && one.length === 3 && one.every((number) => Number.isFinite(number));
  return Array.isArray(value["marks"]) && value["marks"].every(isMark);
}

function sameLength(steps: TraceStep[]): boolean {
  return steps.length > 0 && steps.every((step) => step.state.length === steps[0]?.state.length);
}

function isCommit(value: unknown): boolean {
  return isObject(value) && hasNumbers(value, "canvas", "steps", "tokens") && typeof value["text"] === "string";
}

function isResult(value: unknown): boolean {
  return (
    isObject(value) &&
    hasNumbers(value, "tokens", "seconds") &&
    typeof value["text"] === "string" &&
    typeof value["finish_reason"] === "string"
  );
}
