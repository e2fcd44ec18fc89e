// What the canvas shows at one moment of a trace: after a step, or when it is committed.

import type { State } from "./wire.ts";
import type { Trace, TraceCommit, TraceStep } from "./trace.ts";

/** "after" stands behind the end of the text. */
export type CellState = State | "after";

export interface Cell {
  /** "" for a control token, null where the character before goes on. */
  text: string | null;
  state: CellState;
  /** From 0 to 1. */
  confidence: number;
  /** The most likely token. */
  draft: string;
  /** What may stand here and how likely it is, likeliest first; empty where that is not told. */
  alternatives: [string, number][];
}

export interface Moment {
  step: TraceStep;
  commit: TraceCommit | null;
  /** Since the beginning. */
  seconds: number;
  /** The canvas is done, and only the rival of a race goes on. */
  isTail: boolean;
}

export interface Frame {
  moment: Moment;
  /** Text of the canvases before this one. */
  before: string;
  cells: Cell[];
  counts: Record<CellState, number>;
  /** Accepted or committed tokens, of all canvases so far. */
  tokens: number;
  /** In nats. */
  meanEntropy: number;
}

/** All moments of a trace in order: every step, and each commit after the last step of its canvas. */
export function momentsOf(trace: Trace): Moment[] {
  const commits = new Map(trace.commits.map((commit) => [commit.canvas, commit]));
  return trace.steps.flatMap((step, index): Moment[] => {
    const commit = trace.steps[index + 1]?.canvas === step.canvas ? undefined : commits.get(step.canvas);
    const moment = { step, commit: null, seconds: step.seconds, isTail: false };
    return commit ? [moment, { ...moment, commit }] : [moment];
  });
}

const MOST_TAIL = 60;

/** The moments of a trace, and if its rival was slower more of them, evenly in time, until that one is done, too. */
export function raceMoments(trace: Trace): Moment[] {
  const moments = momentsOf(trace);
  const last = moments.at(-1);
  const end = trace.left_to_right?.marks.at(-1)?.[0] ?? 0;
  if (!last?.commit || end <= last.seconds) return moments;
  const pace = Math.max(last.seconds / trace.steps.length, (end - last.seconds) / MOST_TAIL);
  const count = Math.ceil((end - last.seconds) / pace);
  const tail = Array.from({ length: count }, (_, index) => {
    const seconds = Math.min(end, last.seconds + (index + 1) * pace);
    return { ...last, seconds, isTail: true };
  });
  return [...moments, ...tail];
}

export function frameOf(trace: Trace, moment: Moment): Frame {
  const { step, commit } = moment;
  const earlier = trace.commits.filter((one) => one.canvas < step.canvas);
  const cells = step.text.map((_, position) => cellOf(moment, position));
  const counts: Frame["counts"] = { noise: 0, draft: 0, accepted: 0, committed: 0, after: 0 };
  for (const cell of cells) counts[cell.state]++;
  return {
    moment,
    before: earlier.map((one) => one.text).join(""),
    cells,
    counts,
    tokens: earlier.reduce((sum, one) => sum + one.tokens, 0) + counts.accepted + counts.committed,
    meanEntropy: commit ? 0 : step.entropy.reduce((sum, one) => sum + one, 0) / step.entropy.length,
  };
}

const STATES: Record<string, State> = { n: "noise", d: "draft", a: "accepted" };

export function cellOf({ step, commit }: Pick<Moment, "step" | "commit">, position: number): Cell {
  const text = step.text[position] ?? null;
  const draft = step.draft[position] ?? text;
  const alternatives = step.alternatives?.[position] ?? [];
  if (commit) {
    const state = position < commit.tokens ? "committed" : "after";
    return { text: draft, state, confidence: 1, draft: draft ?? "", alternatives };
  }
  return {
    text,
    state: STATES[step.state[position] ?? "n"] ?? "noise",
    confidence: Math.exp(-(step.entropy[position] ?? 0)),
    draft: draft ?? "",
    alternatives,
  };
}
