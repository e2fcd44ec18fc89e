// The rival of a race: a text that grows at its end.

import { counted } from "./canvas_view.ts";
import { h } from "./element.ts";
import { markAt } from "./left_to_right.ts";
import type { LeftToRight } from "./trace.ts";

export class RivalView {
  readonly element: HTMLElement;
  private readonly figures = h("span", { class: "figures" });
  private readonly text = h("div", { class: "canvas", translate: "no" });
  private readonly caret = h("span", { class: "caret", "aria-hidden": "true" });
  private shown = "";

  constructor() {
    this.element = h(
      "section",
      { class: "pane rival", "aria-label": "Word after word", hidden: true },
      h("h3", {}, "Word after word", this.figures),
      h("div", { class: "sheet" }, this.text),
    );
  }

  /** Show how far it was after so many seconds; null hides. */
  show(rival: LeftToRight | null, seconds: number): void {
    this.element.hidden = rival === null;
    if (!rival) return;
    const [at, characters, tokens] = markAt(rival, seconds);
    const isDone = rival.finished && characters === rival.text.length;
    this.figures.textContent = `${counted(tokens, "pass", "passes")} \u00b7 ${at.toFixed(1)} s`;
    this.element.classList.toggle("done", isDone);
    const text = rival.text.slice(0, characters);
    if (text !== this.shown || !this.text.hasChildNodes()) {
      this.shown = text;
      this.text.replaceChildren(text, this.caret);
    }
    this.caret.hidden = isDone;
  }
}
