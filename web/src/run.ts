// One answer while it is being painted.

import { type Client, Gone, Refusal } from "./client.ts";
import type { Dials } from "./composer.ts";
import { type Part, type Pins, type Turn, messagesUntil, pinsAround } from "./conversation.ts";
import { Recorder } from "./recorder.ts";

export interface RunEvents {
  /** The canvas has changed; `first` at its first frame. */
  frame: (first: boolean) => void;
  /** State, answer or note of the turn have changed. */
  turn: () => void;
}

/**
 * Ask for an answer and follow it to its end, whatever that is. `turn` is changed; nothing is thrown.
 *
 * Returns what went wrong, or null.
 */
export async function paint(
  client: Client,
  turns: readonly Turn[],
  turn: Turn,
  dials: Dials,
  events: RunEvents,
  signal: AbortSignal,
  pins?: Pins,
): Promise<unknown> {
  const messages = messagesUntil(turns, turn);
  const { steps, max_tokens, temperature, seed } = dials;
  const recorder = new Recorder({ messages }, { ...dials });
  const { answer, trace } = turn;
  let problem: unknown = null;
  Object.assign(turn, { state: "waiting", note: "", trace: recorder.trace });
  events.turn();
  try {
    const stream = client.chat(
      {
        messages,
        stream: true,
        stream_options: { include_usage: true },
        ...defined({ max_tokens, temperature, seed }),
        diffusion: { stream_drafts: true, draft_interval: 0, ...defined({ steps, pins }) },
      },
      signal,
    );
    for await (const chunk of stream) {
      const changed = recorder.record(chunk);
      turn.answer = recorder.text || answer;
      const first = changed && turn.state === "waiting";
      if (first) turn.state = "painting";
      if (changed) events.frame(first);
      events.turn();
    }
    turn.state = "done";
  } catch (error) {
    problem = error;
    turn.state = signal.aborted ? "stopped" : "failed";
    turn.note = signal.aborted ? "" : explain(error);
    if (!recorder.trace.steps.length) turn.trace = trace;
  }
  recorder.finish();
  events.frame(false);
  events.turn();
  return problem;
}

/**
 * Paint a part of an answer again: on the canvas where its tokens are known, or else as an infill of unknown length.
 * If that fails the answer is as it was.
 */
export async function repaint(
  client: Client,
  turns: readonly Turn[],
  turn: Turn,
  part: Part,
  dials: Dials,
  events: RunEvents,
  signal: AbortSignal,
): Promise<void> {
  const { answer, trace } = turn;
  const pins = pinsAround(turn, part);
  const problem = pins ? await paint(client, turns, turn, dials, events, signal, pins) : null;
  if (pins && problem === null) return;
  if (turn.trace !== trace) {
    turn.trace = trace;
    events.frame(true);
  }
  turn.answer = answer;
  const cannotPin = problem instanceof Refusal && problem.status === 400;
  if (!pins || cannotPin) await infill(client, turn, part, dials, events, signal);
  else Object.assign(turn, { state: "done", note: turn.note || UNCHANGED });
  events.turn();
}

async function infill(
  client: Client,
  turn: Turn,
  part: Part,
  dials: Dials,
  events: RunEvents,
  signal: AbortSignal,
): Promise<void> {
  const { steps, temperature, seed } = dials;
  const [prefix, suffix] = [turn.answer.slice(0, part.start), turn.answer.slice(part.end)];
  Object.assign(turn, { state: "waiting", note: "Filling the gap\u2026" });
  events.turn();
  try {
    const reply = await client.infill({ prefix, suffix, ...defined({ steps, temperature, seed }) }, signal);
    Object.assign(turn, { answer: prefix + reply.text + suffix, trace: null, state: "done", note: "" });
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
