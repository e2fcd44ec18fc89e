// From the chunks of a stream to a trace.

import { cellOf } from "./frame.ts";
import type { Json, Trace, TraceRequest, TraceStep } from "./trace.ts";
import type { ChatChunk, DiffusionFrame } from "./wire.ts";

const LEAST_CONFIDENCE = 1e-6;

export class Recorder {
  readonly trace: Trace;
  /** Committed text so far. */
  text = "";
  finishReason: string | null = null;
  private tokens = 0;

  constructor(
    request: TraceRequest,
    settings: Record<string, Json>,
    private readonly clock: () => number = () => performance.now() / 1000,
    private readonly began = clock(),
  ) {
    this.trace = {
      format: "gesso-trace",
      version: 1,
      model: "",
      request,
      settings,
      steps: [],
      commits: [],
      result: null,
    };
  }

  /** Hear the next chunk; whether the canvas has changed. */
  record(chunk: ChatChunk): boolean {
    this.trace.model = chunk.model || this.trace.model;
    const choice = chunk.choices[0];
    this.text += choice?.delta.content ?? "";
    this.finishReason = choice?.finish_reason ?? this.finishReason;
    this.tokens = chunk.usage?.completion_tokens ?? this.tokens;
    this.trace.settings["seed"] = chunk.usage?.diffusion?.seeds?.[0] ?? this.trace.settings["seed"] ?? null;
    if (!chunk.diffusion) return false;
    const frame = chunk.diffusion;
    const last = this.trace.steps.at(-1);
    if (last && last.canvas !== frame.canvas) this.commit(last);
    if (frame.spans.some((span) => span.state === "committed")) {
      if (last) this.commit(last, frame);
    } else {
      this.trace.steps.push(stepOf(frame, this.clock() - this.began, last));
    }
    return true;
  }

  /** Nothing more will come; "interrupted" where the end was not reached. */
  finish(): void {
    const last = this.trace.steps.at(-1);
    if (last && this.finishReason) this.commit(last);
    this.trace.result = {
      text: this.text,
      finish_reason: this.finishReason ?? "interrupted",
      tokens: this.tokens,
      seconds: this.clock() - this.began,
    };
  }

  private commit(step: TraceStep, told?: DiffusionFrame): void {
    if (this.trace.commits.some((commit) => commit.canvas === step.canvas)) return;
    // Where the server does not say how much counts: up to the first control token.
    const shown = step.text.map((_, position) => cellOf({ step, commit: null }, position).draft);
    const control = step.text.findIndex((text, position) => text !== null && shown[position] === "");
    const count = told?.spans.at(-1)?.end ?? (control < 0 ? shown.length : control);
    this.trace.commits.push({
      canvas: step.canvas,
      steps: told?.step ?? step.step,
      ...(told?.readings !== undefined && { readings: told.readings }),
      converged: step.step < step.total ? true : null,
      tokens: count,
      text: shown.slice(0, count).join(""),
    });
  }
}

function stepOf(frame: DiffusionFrame, seconds: number, before: TraceStep | undefined): TraceStep {
  const length = Math.max(before?.text.length ?? 0, ...frame.spans.map((span) => span.end));
  const text: (string | null)[] = new Array<string | null>(length).fill(null);
  const entropy: number[] = new Array<number>(length).fill(0);
  const state = new Array<string>(length).fill("n");
  const draft: Record<string, string> = {};
  const alternatives: Record<string, [string, number][]> = {};
  for (const span of frame.spans) {
    text[span.start] = span.text;
    if (span.draft !== undefined && span.draft !== span.text) draft[span.start] = span.draft;
    if (span.alternatives) alternatives[span.start] = span.alternatives;
    state.fill(span.state[0] ?? "n", span.start, span.end);
    const nats = Math.abs(Math.log(Math.max(span.confidence, LEAST_CONFIDENCE)));
    entropy.fill(Math.round(nats * 1000) / 1000, span.start, span.end);
  }
  const temperature = frame.temperature ?? null;
  return {
    canvas: frame.canvas,
    step: frame.step,
    total: frame.total,
    temperature,
    seconds,
    state: state.join(""),
    text,
    draft,
    entropy,
    ...(Object.keys(alternatives).length ? { alternatives } : {}),
  };
}
