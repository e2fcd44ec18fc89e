// What became of one position: its token at every step of its canvas.

import { describe, percent, quoted } from "./canvas_view.ts";
import { h, iconButton } from "./element.ts";
import { type Moment, cellOf } from "./frame.ts";
import { CLOSE } from "./icons.ts";

export class History {
  readonly element: HTMLElement;
  private readonly title = h("h3", { id: "history-title" });
  private readonly chart = h("div", { class: "chart", "aria-hidden": "true" });
  private readonly rows = h("tbody");
  private key = "";

  constructor(
    private readonly onmove: (index: number) => void,
    onclose: () => void,
  ) {
    const head = ["step", "shown", "likeliest", "state"].map((name) =>
      h("th", { scope: "col", class: name === "likeliest" ? "second" : "" }, name),
    );
    this.element = h(
      "section",
      { class: "history", "aria-labelledby": "history-title", hidden: true },
      h("header", {}, this.title, iconButton("Close the history", CLOSE, onclose)),
      this.chart,
      h("div", { class: "rows", tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), this.rows)),
    );
  }

  /** Show a position in the canvas of the moment that is looked at; null hides. */
  show(moments: Moment[], index: number, position: number | null): void {
    const now = moments[index];
    this.element.hidden = position === null || !now;
    if (position === null || !now) {
      this.key = "";
      return;
    }
    this.title.textContent = `Position ${position + 1}: ${describe(cellOf(now, position))}`;
    const own = moments.map((moment, i) => ({ moment, i })).filter((one) => one.moment.step.canvas === now.step.canvas);
    const key = `${position} ${now.step.canvas} ${own.length} ${own[0]?.moment.step.seconds}`;
    if (key !== this.key) {
      this.key = key;
      this.chart.replaceChildren(...own.map((one) => column(one.moment, position)));
      this.rows.replaceChildren(...own.map((one) => this.row(one.moment, one.i, position)));
    }
    own.forEach((one, i) => {
      this.chart.children[i]?.classList.toggle("now", one.i === index);
      this.rows.children[i]?.classList.toggle("now", one.i === index);
    });
    this.rows.querySelector(".now")?.scrollIntoView({ block: "nearest" });
  }

  private row(moment: Moment, index: number, position: number): HTMLElement {
    const cell = cellOf(moment, position);
    const name = moment.commit ? "end" : String(moment.step.step);
    const go = h(
      "button",
      { type: "button", "aria-label": `Go to step ${name}`, onclick: () => this.onmove(index) },
      name,
    );
    return h(
      "tr",
      { "data-state": cell.state },
      h("td", {}, go),
      h("td", { class: "token" }, cell.state === "after" ? "" : spelled(cell.text)),
      h("td", { class: "token second" }, cell.draft === cell.text || moment.commit ? "" : spelled(cell.draft)),
      h("td", {}, moment.commit ? cell.state.replace("after", "unused") : `${cell.state} ${percent(cell.confidence)}`),
    );
  }
}

function spelled(text: string | null): string {
  return text === "" ? "control token" : text === null ? "\u2026" : quoted(text);
}

function column(moment: Moment, position: number): HTMLElement {
  const cell = cellOf(moment, position);
  const element = h("span", { "data-state": cell.state });
  element.style.setProperty("--sure", String(cell.confidence));
  return element;
}
