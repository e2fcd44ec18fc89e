// What was asked and answered, and what is sent of it.

import type { Trace } from "./trace.ts";
import type { ChatMessage, ChatRequest } from "./wire.ts";

export type TurnState = "waiting" | "painting" | "done" | "stopped" | "failed";

export interface Turn {
  question: string;
  /** Committed text. */
  answer: string;
  trace: Trace | null;
  state: TurnState;
  /** What went wrong. */
  note: string;
}

export interface Part {
  start: number;
  end: number;
}

export type Pins = NonNullable<ChatRequest["diffusion"]["pins"]>;

export function newTurn(question: string): Turn {
  return { question, answer: "", trace: null, state: "waiting", note: "" };
}

/** The messages of a conversation up to the question of `turn`. A turn without an answer is left out. */
export function messagesUntil(turns: readonly Turn[], turn: Turn): ChatMessage[] {
  const earlier = turns.slice(0, turns.indexOf(turn)).filter((one) => one.answer !== "");
  return [
    ...earlier.flatMap((one): ChatMessage[] => [
      { role: "user", content: one.question },
      { role: "assistant", content: one.answer },
    ]),
    { role: "user", content: turn.question },
  ];
}

/**
 * The tokens around a part of an answer, so that only the part is painted again. None if the answer does not stand in
 * the first canvas of its trace, or the part takes in no token of it.
 */
export function pinsAround({ answer, trace }: Turn, part: Part): Pins | null {
  const commit = trace?.commits[0];
  const step = trace?.steps.findLast((one) => one.canvas === 0);
  if (!commit || !step || trace?.commits.length !== 1) return null;
  const texts = step.text.slice(0, commit.tokens).map((text, position) => step.draft[position] ?? text);
  const offset = texts.join("").indexOf(answer);
  if (offset < 0) return null;
  const pins: Pins = [];
  let at = -offset;
  texts.forEach((text, start) => {
    const begin = at;
    at += text?.length ?? 0;
    const isPart = begin < part.end && at > part.start;
    if (text && !isPart) pins.push({ start, text });
  });
  return pins.length < texts.length ? pins : null;
}
