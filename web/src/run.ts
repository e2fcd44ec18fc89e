// One answer while it is being painted.

import { type Client, Gone, Refusal } from "./client.ts";
import type { Dials, Wishes } from "./composer.ts";
import { type Part, type Pins, type Turn, messagesUntil, pinsAround } from "./conversation.ts";
import { LeftToRightRecorder } from "./left_to_right.ts";
import { Recorder } from "./recorder.ts";
import type { Trace } from "./trace.ts";
import type { ChatMessage, ChatRequest } from "./wire.ts";

const ALTERNATIVES = 5;
const PATIENCE_MS = 2000;
const RIVAL_INTERVAL_S = 0.05;
const ALONE = "It had no answer after what was said before, so this question was asked alone.";

export interface RunEvents {
  /** The canvas has changed; `first` at its first frame. */
  frame: (first: boolean) => void;
  /** State, answer or note of the turn have changed. */
  turn: () => void;
}

/** Ask the question of a turn, with what was said before it; if that leaves the model speechless, by itself. */
export async function ask(
  client: Client,
  turns: readonly Turn[],
  turn: Turn,
  wishes: Wishes,
  events: RunEvents,
  signal: AbortSignal,
): Promise<void> {
  const messages = messagesUntil(wishes.alone ? [turn] : turns, turn);
  await paint(client, messages, turn, wishes, events, signal);
  const isSpeechless = (): boolean => turn.state === "done" && turn.answer === "";
  if (isSpeechless() && messages.length > 1) {
    await paint(client, messagesUntil([turn], turn), turn, wishes, events, signal);
    if (turn.state === "done") turn.note ||= ALONE;
  }
  if (isSpeechless()) turn.note = "The model answered nothing.";
  events.turn();
}

/**
 * Ask for an answer and follow it to its end, whatever that is. `turn` is changed; nothing is thrown.
 *
 * Returns what went wrong, or null.
 */
async function paint(
  client: Client,
  messages: ChatMessage[],
  turn: Turn,
  { dials, race }: Wishes,
  events: RunEvents,
  signal: AbortSignal,
  pins?: Pins,
): Promise<unknown> {
  const recorder = new Recorder({ messages }, { ...dials });
  const { answer, trace } = turn;
  let problem: unknown = null;
  Object.assign(turn, { state: "waiting", note: "", trace: recorder.trace });
  events.turn();
  const patience = setTimeout(() => {
    if (turn.state === "waiting") turn.note = "Waiting for the server\u2026";
    events.turn();
  }, PATIENCE_MS);
  const ended = new AbortController(); // a rival does not outlive an answer that failed
  const rivalSignal = AbortSignal.any([signal, ended.signal]);
  const hasRival = race && !pins;
  const rival = hasRival ? runRival(client, messages, dials, recorder.trace, events, rivalSignal) : null;
  try {
    const { steps } = dials;
    const diffusion = {
      stream_drafts: true as const,
      draft_interval: 0,
      alternatives: ALTERNATIVES,
      ...defined({ steps, pins }),
    };
    for await (const chunk of client.chat(requestOf(messages, dials, diffusion), signal)) {
      const changed = recorder.record(chunk);
      turn.answer = recorder.text || answer;
      const first = changed && turn.state === "waiting";
      if (first) Object.assign(turn, { state: "painting", note: "" });
      if (changed) events.frame(first);
      events.turn();
    }
    turn.note = hasRival ? "Word after word still writes\u2026" : "";
  } catch (error) {
    problem = error;
    turn.state = signal.aborted ? "stopped" : "failed";
    turn.note = signal.aborted ? "" : explain(error);
    if (!recorder.trace.steps.length) turn.trace = trace;
    ended.abort();
  }
  clearTimeout(patience);
  recorder.finish();
  events.frame(false);
  events.turn();
  const rivalProblem = await rival;
  if (!problem) {
    const note = rivalProblem ? `Word after word: ${explain(rivalProblem)}` : "";
    Object.assign(turn, { state: "done", note });
  }
  events.frame(false);
  events.turn();
  return problem;
}

/** Let the same weights write the same text word after word, into the trace. Returns what went wrong, or null. */
async function runRival(
  client: Client,
  messages: ChatMessage[],
  dials: Dials,
  trace: Trace,
  events: RunEvents,
  signal: AbortSignal,
): Promise<unknown> {
  const began = performance.now();
  const recorder = new LeftToRightRecorder(() => (performance.now() - began) / 1000);
  trace.left_to_right = recorder.told;
  try {
    const drafts = { stream_drafts: true as const, draft_interval: RIVAL_INTERVAL_S };
    const diffusion = { mode: "autoregressive" as const, ...drafts };
    for await (const chunk of client.chat(requestOf(messages, dials, diffusion), signal))
      if (recorder.record(chunk)) events.frame(false);
  } catch (error) {
    if (!recorder.told.marks.length) delete trace.left_to_right;
    if (!signal.aborted) return error;
  }
  return null;
}

function requestOf(messages: ChatMessage[], dials: Dials, diffusion: ChatRequest["diffusion"]): ChatRequest {
  const { max_tokens, temperature, seed } = dials;
  const fixed = { messages, stream: true as const, stream_options: { include_usage: true as const } };
  return { ...fixed, ...defined({ max_tokens, temperature, seed }), diffusion };
}

/**
 * Paint a part of an answer again: on the canvas where its tokens are known, or else as an edit of unknown length.
 * If that fails the answer is as it was.
 */
export async function repaint(
  client: Client,
  turn: Turn,
  part: Part,
  wishes: Wishes,
  events: RunEvents,
  signal: AbortSignal,
): Promise<void> {
  const { answer, trace } = turn;
  const pins = pinsAround(turn, part);
  const messages = trace && "messages" in trace.request ? (trace.request.messages as ChatMessage[]) : [];
  const max_tokens = trace?.commits[0]?.tokens ?? 0; // or the text might go on behind its end
  const dials = { ...wishes.dials, max_tokens };
  const problem = pins ? await paint(client, messages, turn, { ...wishes, dials }, events, signal, pins) : null;
  if (pins && problem === null) return;
  if (turn.trace !== trace) {
    turn.trace = trace;
    events.frame(true);
  }
  turn.answer = answer;
  const cannotPin = problem instanceof Refusal && problem.status === 400;
  if (!pins || cannotPin) await edit(client, turn, part, wishes.dials, events, signal);
  else Object.assign(turn, { state: "done", note: turn.note || UNCHANGED });
  events.turn();
}

async function edit(
  client: Client,
  turn: Turn,
  part: Part,
  dials: Dials,
  events: RunEvents,
  signal: AbortSignal,
): Promise<void> {
  const { steps, temperature, seed } = dials;
  const text = turn.answer;
  const characters = (end: number): number => [...text.slice(0, end)].length;
  const spans = [{ start: characters(part.start), stop: characters(part.end) }];
  Object.assign(turn, { state: "waiting", note: "Painting these words again\u2026" });
  events.turn();
  try {
    const reply = await client.edit({ text, spans, ...defined({ steps, temperature, seed }) }, signal);
    Object.assign(turn, { answer: reply.text, trace: null, state: "done", note: "" });
  } catch (error) {
    Object.assign(turn, { state: "done", note: signal.aborted ? UNCHANGED : explain(error) });
  }
}

const UNCHANGED = "Stopped. The answer is as it was.";

export function isGone(turn: Turn): boolean {
  return turn.state === "failed" && turn.note.startsWith(GONE);
}

const GONE = "The server is gone.";

function explain(error: unknown): string {
  if (error instanceof Gone) return `${GONE} ${error.message}`;
  if (error instanceof Refusal && error.retryAfter !== null)
    return `${error.message} (try again in ${Math.ceil(error.retryAfter)} s)`;
  return error instanceof Error ? error.message : String(error);
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
