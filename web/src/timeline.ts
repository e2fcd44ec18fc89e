// One bar a moment, filled by what the canvas held then; a slider lies over the bars.

import { h } from "./element.ts";
import { type Moment, frameOf } from "./frame.ts";
import { markAt } from "./left_to_right.ts";
import type { Trace } from "./trace.ts";

export class Timeline {
  readonly element: HTMLElement;
  private readonly bars = h("div", { class: "bars", "aria-hidden": "true" });
  private readonly slider: HTMLInputElement;
  private trace: Trace | null = null;

  constructor(onmove: (index: number) => void) {
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: 0,
      step: 1,
      value: 0,
      "aria-label": "Step of the generation",
      oninput: () => onmove(this.slider.valueAsNumber),
    });
    this.element = h("div", { class: "timeline" }, this.bars, this.slider);
  }

  /** Show the moments of a trace, and which one is looked at. */
  show(trace: Trace, moments: Moment[], index: number): void {
    if (trace !== this.trace) {
      this.bars.replaceChildren();
      this.trace = trace;
    }
    while (this.bars.childElementCount > moments.length) this.bars.lastChild?.remove();
    for (let i = this.bars.childElementCount; i < moments.length; i++) this.bars.append(bar(trace, moments[i]));
    for (const [i, one] of Array.from(this.bars.children).entries()) {
      one.classList.toggle("to-come", i > index);
      one.classList.toggle("now", i === index);
    }
    this.element.style.setProperty("--count", String(moments.length));
    this.slider.max = String(Math.max(0, moments.length - 1));
    this.slider.valueAsNumber = index;
    this.slider.disabled = moments.length < 2;
    const moment = moments[index];
    if (moment) this.slider.setAttribute("aria-valuetext", momentName(moment));
  }
}

export function momentName({ step, commit }: Pick<Moment, "step" | "commit">): string {
  const canvas = `Canvas ${step.canvas + 1}`;
  if (commit) return `${canvas}, committed after ${commit.steps} steps`;
  return `${canvas}, step ${step.step} of at most ${step.total}`;
}

function bar(trace: Trace, moment: Moment | undefined): HTMLElement {
  const element = h("span");
  if (!moment) return element;
  const { counts, cells } = frameOf(trace, moment);
  const sure = (100 * counts.accepted) / cells.length;
  const rival = trace.left_to_right && markAt(trace.left_to_right, moment.seconds)[2];
  if (rival !== undefined) {
    const share = rival / (cells.length * (moment.step.canvas + 1));
    element.style.setProperty("--rival-share", `${100 * Math.min(1, share)}%`);
  }
  element.classList.toggle("commit", moment.commit !== null);
  element.classList.toggle("tail", moment.isTail);
  element.style.setProperty("--accepted-share", `${sure}%`);
  element.style.setProperty("--draft-share", `${sure + (100 * counts.draft) / cells.length}%`);
  return element;
}
