// The canvas with all that belongs to it: figures, mosaic, rival, timeline, controls, files.

import { CanvasView, counted, percent, quoted } from "./canvas_view.ts";
import { download, h, iconButton, setIcon } from "./element.ts";
import { type Frame, type Moment, frameOf, raceMoments } from "./frame.ts";
import { BACK, FORWARD, PAUSE, PLAY } from "./icons.ts";
import { Mosaic } from "./mosaic.ts";
import { drawPicture } from "./picture.ts";
import { RivalView } from "./rival_view.ts";
import { Timeline, momentName } from "./timeline.ts";
import { TokenCard } from "./token_card.ts";
import { type Trace, type TraceCommit, questionOf } from "./trace.ts";

const MOMENT_MS = 240; // at speed 1
const SPEEDS: Record<string, number> = { slow: 0.5, normal: 1, fast: 2.5 };
const REST_MS = 3500; // before a loop begins anew

export interface Showing {
  /** It is being written: follow its last moment. */
  live?: boolean;
  /** Play it by itself, over and over, until someone touches it. */
  loop?: boolean;
  /** It is not an answer to the reader. */
  example?: boolean;
}

export class Player {
  readonly element: HTMLElement;
  private readonly canvas = new CanvasView((position) => this.pick(position));
  private readonly mosaic = new Mosaic((position) => this.pick(position));
  private readonly timeline = new Timeline((index) => this.go(index));
  private readonly rival = new RivalView();
  private readonly card = new TokenCard(
    (index) => this.go(index),
    () => this.pick(null),
  );
  private readonly asked = h("p", { class: "asked" });
  private readonly caption = h("p", { class: "caption" }, "A canvas waits for its noise.");
  private readonly step = h("span", { class: "step" });
  private readonly figures = h("span", { class: "figures" });
  private readonly paneFigures = h("span", { class: "figures" });
  private readonly pane = h("section", { class: "pane", "aria-label": "All at once" });
  private readonly playButton = iconButton("Play", PLAY, () => this.toggle());
  private readonly liveButton = h(
    "button",
    { type: "button", class: "live", hidden: true, onclick: () => this.follow() },
    "Live",
  );
  private readonly speed = h("select", { "aria-label": "Speed of the replay" });

  private trace: Trace | null = null;
  private moments: Moment[] = [];
  private index = 0;
  private position: number | null = null;
  private live = false;
  private following = false;
  private looping = false;
  private timer: number | undefined;

  constructor() {
    for (const name of Object.keys(SPEEDS))
      this.speed.append(h("option", { value: name, selected: name === "normal" }, name));
    const controls = h(
      "div",
      { class: "controls", role: "group", "aria-label": "Replay" },
      iconButton("One step back", BACK, () => this.go(this.index - 1)),
      this.playButton,
      iconButton("One step on", FORWARD, () => this.go(this.index + 1)),
      this.speed,
      this.liveButton,
      h("span", { class: "gap" }),
      saveButton("trace", "Save the trace as JSON", () => this.saveTrace()),
      saveButton("picture", "Save an animated picture (SVG)", () => this.savePicture()),
    );
    const facts = h("p", { class: "facts-line" }, this.step, this.figures);
    const status = h(
      "div",
      { class: "status" },
      this.mosaic.element,
      h("div", {}, this.asked, this.caption, facts),
    );
    this.pane.append(h("h3", {}, "All at once", this.paneFigures), h("div", { class: "sheet" }, this.canvas.element));
    this.element = h(
      "section",
      { class: "player", "aria-label": "Canvas" },
      status,
      legend(),
      h("div", { class: "panes" }, this.pane, this.rival.element),
      this.timeline.element,
      controls,
      this.card.element,
    );
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show a trace: its last moment, or from the beginning if it plays by itself. */
  show(trace: Trace, { live = false, loop = false, example = false }: Showing = {}): void {
    this.stop();
    this.trace = trace;
    this.live = this.following = live;
    this.moments = [];
    this.pick(null);
    this.ask(questionOf(trace), example);
    this.moments = raceMoments(trace);
    this.index = loop ? 0 : this.moments.length - 1;
    this.draw();
    if (loop) this.play(true);
  }

  /** A question was asked, and nothing is painted yet. */
  prime(question: string): void {
    this.stop();
    this.trace = null;
    this.moments = [];
    this.pick(null);
    this.ask(question, false);
    this.canvas.clear();
    this.rival.show(null, 0);
    this.element.classList.remove("racing");
    this.caption.textContent = "The canvas is being primed with noise\u2026";
    this.step.textContent = this.figures.textContent = "";
    this.element.classList.add("priming");
  }

  /** The trace that is shown has grown, or, with `live` false, is complete. */
  grown(live: boolean): void {
    if (!this.trace) return;
    const wasLive = this.live;
    this.live = live;
    this.moments = raceMoments(this.trace);
    if (this.following) this.index = this.moments.length - 1;
    if (wasLive && !live) this.following = false;
    this.draw();
  }

  /** Play from here, or from the beginning if this is the end. */
  play(loop = false): void {
    if (!this.trace || this.moments.length < 2) return;
    this.looping = loop;
    this.following = false;
    if (this.index >= this.moments.length - 1) this.index = 0;
    setIcon(this.playButton, PAUSE);
    this.playButton.setAttribute("aria-label", "Pause");
    this.playButton.title = "Pause";
    this.draw();
    this.schedule(this.pace);
  }

  stop(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    this.looping = false;
    setIcon(this.playButton, PLAY);
    this.playButton.setAttribute("aria-label", "Play");
    this.playButton.title = "Play";
  }

  private schedule(delay: number): void {
    this.timer = window.setTimeout(() => this.tick(), delay / (SPEEDS[this.speed.value] ?? 1));
  }

  /** Most happens in the first steps: they stand longer. */
  private get pace(): number {
    const moment = this.moments[this.index];
    return !moment || moment.commit ? MOMENT_MS : MOMENT_MS * (1 + 2 / moment.step.step);
  }

  private tick(): void {
    this.index = this.index >= this.moments.length - 1 ? 0 : this.index + 1;
    const atEnd = this.index === this.moments.length - 1;
    this.draw();
    if (!atEnd) this.schedule(this.pace);
    else if (this.looping) this.schedule(REST_MS);
    else this.stop();
  }

  private toggle(): void {
    if (this.timer === undefined) this.play();
    else this.stop();
  }

  private go(index: number): void {
    this.stop();
    this.index = Math.max(0, Math.min(this.moments.length - 1, index));
    this.following = this.live && this.index === this.moments.length - 1;
    this.draw();
  }

  private follow(): void {
    this.go(this.moments.length - 1);
  }

  private pick(position: number | null): void {
    this.position = position;
    this.canvas.mark(position);
    this.mosaic.mark(position);
    this.card.show(this.moments, this.index, position);
    const token = position === null ? null : this.canvas.boxOf(position);
    if (token) this.card.place(token, this.element.getBoundingClientRect());
  }

  private ask(question: string, example: boolean): void {
    this.asked.replaceChildren(...(example ? [h("b", {}, "Example")] : []), quoted(question));
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog")) return;
    if (event.key === " " && target.closest("button, a, summary")) return;
    if (event.key === "ArrowLeft") this.go(this.index - 1);
    else if (event.key === "ArrowRight") this.go(this.index + 1);
    else if (event.key === " ") this.toggle();
    else if (event.key === "Escape" && this.position !== null) this.pick(null);
    else return;
    event.preventDefault();
  }

  private draw(): void {
    const moment = this.moments[this.index];
    if (!this.trace || !moment) return;
    const frame = frameOf(this.trace, moment);
    this.canvas.show(frame);
    this.mosaic.show(frame);
    this.timeline.show(this.trace, this.moments, this.index);
    this.card.show(this.moments, this.index, this.position);
    const rival = this.trace.left_to_right ?? null;
    this.rival.show(rival, this.following ? Infinity : moment.seconds);
    this.element.classList.remove("priming");
    this.element.classList.toggle("racing", rival !== null);
    this.pane.classList.toggle("done", moment.commit !== null);
    const passes = counted(passesOf(this.trace, moment), "pass", "passes");
    this.paneFigures.textContent = `${passes} \u00b7 ${moment.step.seconds.toFixed(1)} s`;
    this.step.textContent = momentName(moment);
    this.figures.textContent = figuresOf(frame);
    this.caption.textContent = captionOf(frame);
    this.liveButton.hidden = !this.live || this.following;
  }

  private saveTrace(): void {
    if (this.trace) download("gesso-trace.json", "application/json", JSON.stringify(this.trace));
  }

  private savePicture(): void {
    if (this.trace) download("gesso-canvas.svg", "image/svg+xml", drawPicture(this.trace));
  }
}

/** On a narrow screen its name is one word. */
function saveButton(what: string, title: string, onclick: () => void): HTMLButtonElement {
  const name = `Save ${what}`;
  return h("button", { type: "button", class: "save", title, "aria-label": name, onclick }, h("i", {}, "Save "), what);
}

function legend(): HTMLElement {
  const meanings = {
    noise: "random tokens",
    draft: "a guess that may change",
    accepted: "kept for now",
    committed: "final",
  };
  const items = Object.entries(meanings).map(([state, meaning]) =>
    h("li", {}, h("b", { "data-state": state }, state), ` ${meaning}`),
  );
  return h("ul", { class: "legend", "aria-label": "Legend" }, ...items);
}

/** Passes of the network that a canvas took: one a step, and one each time that a draft was read. */
function passesFor(commit: TraceCommit): number {
  return commit.steps + (commit.readings ?? 0);
}

/** Passes of the network so far. */
function passesOf(trace: Trace, { step, commit }: Moment): number {
  const earlier = trace.commits.filter((other) => other.canvas < step.canvas);
  return earlier.reduce((sum, other) => sum + passesFor(other), 0) + (commit ? passesFor(commit) : step.step);
}

function figuresOf(frame: Frame): string {
  const { step, commit } = frame.moment;
  const speed = step.seconds > 0 ? `${Math.round(frame.tokens / step.seconds)} tokens/s` : "";
  const kept = commit ? counted(commit.tokens, "token") : `${frame.counts.accepted} of ${frame.cells.length} accepted`;
  const sure = commit ? "" : `${percent(Math.exp(-frame.meanEntropy))} sure`;
  const temperature = commit || step.temperature === null ? "" : `temperature ${step.temperature.toFixed(2)}`;
  return [kept, sure, temperature, speed].filter(Boolean).join(" \u00b7 ");
}

function captionOf(frame: Frame): string {
  const { step, commit } = frame.moment;
  const passes = commit && counted(passesFor(commit), "pass", "passes");
  if (commit) return `In focus after ${passes} of the network. Word after word takes ${commit.tokens}.`;
  if (step.step === 1) return `It begins as ${frame.cells.length} random tokens, all over the canvas.`;
  return "Each pass guesses every position at once, keeps what is sure, and throws the dice again for the rest.";
}
