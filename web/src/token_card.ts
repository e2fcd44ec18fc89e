// What there is to know of one position: what else may stand there, and what stood there step by step.

import { describe, percent, quoted } from "./canvas_view.ts";
import { h, iconButton } from "./element.ts";
import { type Cell, type Moment, cellOf } from "./frame.ts";
import { CLOSE } from "./icons.ts";

const GAP = 8; // between the token and its card

/** Neighbouring moments at which the same token was the likeliest. */
interface Run {
  from: number;
  to: number;
  cell: Cell;
}

export class TokenCard {
  readonly element: HTMLElement;
  private readonly title = h("h3", { id: "token-title" });
  private readonly choices = h("ol", { class: "choices", "aria-label": "What may stand here" });
  private readonly chart = h("div", { class: "chart", "aria-hidden": "true" });
  private readonly runs = h("ol", { class: "runs", "aria-label": "What stood here, step by step" });
  private key = "";

  constructor(
    private readonly onmove: (index: number) => void,
    onclose: () => void,
  ) {
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "token-title", hidden: true },
      h("header", {}, this.title, iconButton("Close", CLOSE, onclose)),
      this.choices,
      h("h4", {}, "How sure, step by step"),
      this.chart,
      this.runs,
    );
    this.chart.addEventListener("click", (event) => {
      const at = Number((event.target as HTMLElement).dataset["at"]);
      if (Number.isInteger(at)) this.onmove(at);
    });
  }

  /** Tell of a position in the canvas of the moment that is looked at; null hides. */
  show(moments: Moment[], index: number, position: number | null): void {
    const now = moments[index];
    this.element.hidden = position === null || !now;
    if (position === null || !now) {
      this.key = "";
      return;
    }
    const cell = cellOf(now, position);
    this.element.dataset["state"] = cell.state;
    this.title.replaceChildren(h("b", {}, shownAs(cell.text)), ` ${stateOf(cell)}`);
    this.title.setAttribute("aria-label", `Position ${position + 1}: ${describe(cell)}`);
    this.choices.replaceChildren(...(now.commit ? [] : cell.alternatives.map(choice)));
    const own = moments
      .map((moment, at) => ({ at, moment }))
      .filter(({ moment }) => moment.step.canvas === now.step.canvas && !moment.isTail);
    const key = `${position} ${now.step.canvas} ${own.length} ${own[0]?.moment.step.seconds}`;
    if (key !== this.key) {
      this.key = key;
      this.chart.replaceChildren(...own.map(({ at, moment }) => column(at, cellOf(moment, position))));
      this.runs.replaceChildren(...runsOf(own, position).map((run) => this.row(run, moments)));
    }
    for (const one of Array.from(this.chart.children) as HTMLElement[])
      one.classList.toggle("now", Number(one.dataset["at"]) === index);
    for (const one of Array.from(this.runs.children) as HTMLElement[]) {
      const isNow = Number(one.dataset["from"]) <= index && index <= Number(one.dataset["to"]);
      one.classList.toggle("now", isNow);
      if (isNow) this.runs.scrollTop = one.offsetTop - this.runs.offsetTop - this.runs.clientHeight / 2;
    }
  }

  /** Stand beside a token: below it, or above where there is no room. */
  place(token: DOMRect, room: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const below = token.bottom + GAP;
    const top = below + height > window.innerHeight && token.top - GAP - height > 0 ? token.top - GAP - height : below;
    const left = Math.max(room.left, Math.min(token.left - GAP, room.right - width));
    this.element.style.setProperty("left", `${left - room.left}px`);
    this.element.style.setProperty("top", `${top - room.top}px`);
  }

  private row({ from, to, cell }: Run, moments: Moment[]): HTMLElement {
    const names = [from, to].map((at) => nameOf(moments[at]));
    const steps = names[0] === names[1] ? `${names[0]}` : `${names[0]}\u2013${names[1]}`;
    const text = shownAs(cell.draft);
    const label = `Go to step ${names[0]}: ${text}`;
    const go = { type: "button", title: label, "aria-label": label, onclick: () => this.onmove(from) };
    return h(
      "li",
      { "data-from": from, "data-to": to, "data-state": cell.state },
      h("button", go, h("span", {}, steps), h("b", {}, text)),
    );
  }
}

function runsOf(own: { at: number; moment: Moment }[], position: number): Run[] {
  const runs: Run[] = [];
  for (const { at, moment } of own) {
    const cell = cellOf(moment, position);
    const last = runs.at(-1);
    if (last && last.cell.draft === cell.draft) Object.assign(last, { to: at, cell });
    else runs.push({ from: at, to: at, cell });
  }
  return runs;
}

function nameOf(moment: Moment | undefined): string {
  return moment?.commit ? "end" : String(moment?.step.step ?? "");
}

function shownAs(text: string | null): string {
  return text === "" ? "end mark" : text === null ? "\u2026" : quoted(text.trim() || text);
}

function stateOf(cell: Cell): string {
  if (cell.state === "after") return "behind the end";
  return cell.state === "committed" ? "committed" : `${cell.state}, ${percent(cell.confidence)} sure`;
}

function choice([text, probability]: [string, number]): HTMLElement {
  const element = h("li", {}, h("b", {}, shownAs(text)), h("i", { "aria-hidden": "true" }), percent(probability));
  element.style.setProperty("--share", String(probability));
  return element;
}

function column(at: number, cell: Cell): HTMLElement {
  const element = h("span", { "data-at": at, "data-state": cell.state });
  element.style.setProperty("--sure", String(cell.confidence));
  return element;
}
