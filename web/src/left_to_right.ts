// The rival in a race: the same weights, writing word after word.

import type { LeftToRight, Mark } from "./trace.ts";
import type { ChatChunk, DiffusionFrame } from "./wire.ts";

const START: Mark = [0, 0, 0];

/** How far it had come after so many seconds. */
export function markAt(rival: LeftToRight, seconds: number): Mark {
  return rival.marks.findLast((mark) => mark[0] <= seconds) ?? START;
}

export class LeftToRightRecorder {
  readonly told: LeftToRight = { text: "", marks: [], finished: false };
  private committed = "";
  private canvas = 0;
  private before = { text: "", tokens: 0 };

  constructor(private readonly clock: () => number) {}

  /** Hear the next chunk; whether the text has grown. */
  record(chunk: ChatChunk): boolean {
    const choice = chunk.choices[0];
    this.committed += choice?.delta.content ?? "";
    this.told.finished ||= Boolean(choice?.finish_reason);
    const drafted = this.drafted(chunk.diffusion);
    const text = [this.told.text, this.committed, drafted.text].reduce((a, b) => (b.length > a.length ? b : a));
    const tokens = chunk.usage?.completion_tokens ?? Math.max(this.tokens, drafted.tokens);
    if (text === this.told.text && tokens === this.tokens) return false;
    this.told.text = text;
    this.told.marks.push([this.clock(), text.length, tokens]);
    return true;
  }

  private get tokens(): number {
    return this.told.marks.at(-1)?.[2] ?? 0;
  }

  /** A frame holds what is written of its canvas so far; the text ends at a control token. */
  private drafted(frame: DiffusionFrame | undefined): { text: string; tokens: number } {
    if (!frame) return { text: "", tokens: 0 };
    if (frame.canvas !== this.canvas) {
      this.canvas = frame.canvas;
      this.before = { text: this.told.text, tokens: this.tokens };
    }
    const end = frame.spans.findIndex((span) => span.text === "" || span.state === "noise");
    const written = end < 0 ? frame.spans : frame.spans.slice(0, end);
    return {
      text: this.before.text + written.map((span) => span.text).join(""),
      tokens: this.before.tokens + (written.at(-1)?.end ?? 0),
    };
  }
}
