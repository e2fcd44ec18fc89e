// The page: a canvas, and a conversation beside it.

import { Client, Refusal } from "./client.ts";
import { Composer } from "./composer.ts";
import { type Part, type Turn, newTurn } from "./conversation.ts";
import { h } from "./element.ts";
import { Player } from "./player.ts";
import { type RunEvents, ask, isGone, repaint } from "./run.ts";
import { loadTurns, saveTurns } from "./store.ts";
import { type Trace, TraceError, parseTrace, questionOf } from "./trace.ts";
import { TurnView } from "./turn_view.ts";

const RETRY_MS = 3000;
const ANNOUNCE_MS = 4000;
const NOTICE_MS = 8000;
const KEY_ITEM = "gesso-key";

class Page {
  private readonly client = new Client();
  private readonly player = new Player();
  private readonly composer = new Composer(
    (question) => this.ask(question),
    () => this.running?.abort(),
  );
  private readonly idea = h(
    "p",
    { class: "idea" },
    "Most language models write one word after another. ",
    h("b", {}, "This one begins with noise, and brings the whole text into focus at once."),
  );
  private readonly list = h("ol", { class: "turns", "aria-label": "Conversation" });
  private readonly model = h("span", { class: "model" }, "connecting\u2026");
  private readonly banner = h("div", { class: "banner", role: "alert", hidden: true });
  private readonly said = h("p", { class: "unseen", role: "status" });
  private readonly file = h("input", {
    type: "file",
    accept: ".json,application/json",
    hidden: true,
    onchange: () => this.open(),
  });
  private turns: Turn[] = [];
  private views: TurnView[] = [];
  private shown: Turn | null = null;
  private running: AbortController | null = null;
  private redraw = false;
  private retry: number | undefined;
  private announced = 0;

  constructor() {
    const header = h(
      "header",
      { class: "top" },
      h("h1", {}, h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }), "Gesso"),
      this.model,
      h("button", { type: "button", onclick: () => this.file.click() }, "Open a trace"),
      h("button", { type: "button", onclick: () => this.clear() }, "New"),
      this.file,
    );
    const chat = h("section", { class: "chat", "aria-label": "Chat" }, this.list, this.composer.element);
    document.addEventListener("selectionchange", () => this.views.forEach((view) => view.choose()));
    const stage = h("div", { class: "stage" }, this.player.element);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || (event.target as HTMLElement).closest("input, textarea, select")) return;
      event.preventDefault();
      this.composer.focus();
    });
    document.body.append(header, this.banner, this.idea, h("main", {}, stage, chat), this.said);
  }

  async begin(): Promise<void> {
    this.client.key = sessionStorage.getItem(KEY_ITEM) ?? "";
    void this.connect();
    for (const turn of await loadTurns()) this.add(turn);
    const last = this.turns.findLast((turn) => turn.trace?.steps.length);
    if (last) this.show(last);
    else await this.showExample();
    this.greet(this.turns.length === 0);
  }

  /** Explain what this is to whoever has not asked anything yet. */
  private greet(isNew: boolean): void {
    this.composer.showIdeas(isNew);
    this.idea.hidden = !isNew;
  }

  private async showExample(): Promise<void> {
    try {
      const trace = parseTrace(await (await fetch("example.json")).text());
      if (!this.shown)
        this.player.show(trace, { example: true, loop: !matchMedia("(prefers-reduced-motion: reduce)").matches });
    } catch {
      // The page works without it.
    }
  }

  private async connect(): Promise<void> {
    try {
      const [model] = await this.client.models();
      this.model.textContent = model?.id ?? "no model";
      if (model) this.composer.meet(model);
      this.banner.hidden = true;
      for (const view of this.views) if (isGone(view.turn)) view.turn.note = "The server is back.";
      this.update();
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) this.askForKey();
      else this.lost(error);
    }
  }

  private lost(error: unknown): void {
    const starting = error instanceof Refusal && error.status === 503;
    this.model.textContent = starting ? "loading\u2026" : "no server";
    this.banner.textContent = starting
      ? "The server is loading its model\u2026"
      : "The server is gone. Looking for it\u2026";
    this.banner.hidden = false;
    clearTimeout(this.retry);
    this.retry = window.setTimeout(() => void this.connect(), RETRY_MS);
  }

  private askForKey(): void {
    const input = h("input", { type: "password", autocomplete: "off", "aria-label": "API key" });
    const form = h(
      "form",
      {
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          this.client.key = input.value.trim();
          sessionStorage.setItem(KEY_ITEM, this.client.key);
          void this.connect();
        },
      },
      "This server wants an API key ",
      input,
      h("button", { type: "submit" }, "Go on"),
    );
    this.banner.replaceChildren(form);
    this.banner.hidden = false;
  }

  private add(turn: Turn): void {
    const view = new TurnView(turn, {
      show: () => this.show(turn),
      repaint: (part) => this.repaint(turn, part),
      again: () => this.paint(turn),
    });
    this.turns.push(turn);
    this.views.push(view);
    this.list.append(view.element);
    this.greet(false);
    this.banner.hidden = true;
  }

  private ask(question: string): void {
    if (this.running) return;
    const turn = newTurn(question);
    this.add(turn);
    this.paint(turn);
  }

  private paint(turn: Turn): void {
    if (this.running) return;
    this.shown = null;
    this.player.prime(turn.question);
    if (isNarrow()) scrollTo({ top: 0 }); // the canvas stands above the chat
    this.start(turn, (events, signal) => ask(this.client, this.turns, turn, this.composer.wishes, events, signal));
  }

  private repaint(turn: Turn, part: Part): void {
    this.start(turn, (events, signal) =>
      repaint(this.client, turn, part, this.composer.wishes, events, signal),
    );
  }

  private start(turn: Turn, run: (events: RunEvents, signal: AbortSignal) => Promise<unknown>): void {
    if (this.running) return;
    this.running = new AbortController();
    this.composer.setBusy(true);
    void saveTurns(this.turns);
    this.follow(turn);
    const events: RunEvents = {
      frame: (first) => (first ? this.begun(turn) : this.draw()),
      turn: () => this.update(),
    };
    void run(events, this.running.signal).then(() => {
      this.running = null;
      this.composer.setBusy(false);
      if (this.shown === turn) this.player.grown(false);
      else if (!turn.trace?.steps.length) this.reshow();
      this.say(turn.state === "done" ? `Done. ${turn.answer}` : turn.note || "Stopped.");
      this.follow(turn);
      void saveTurns(this.turns);
      if (isGone(turn)) void this.connect();
    });
  }

  private begun(turn: Turn): void {
    this.show(turn, true);
    this.follow(turn);
  }

  /** Keep the newest turn in sight. */
  private follow(turn: Turn): void {
    if (turn === this.turns.at(-1)) this.list.scrollTop = this.list.scrollHeight;
  }

  /** Draw at most once a frame of the screen. */
  private draw(): void {
    if (this.redraw) return;
    this.redraw = true;
    requestAnimationFrame(() => {
      this.redraw = false;
      this.player.grown(this.running !== null);
      this.announce();
    });
  }

  private announce(): void {
    const step = this.shown?.trace?.steps.at(-1);
    if (!step || !this.running || performance.now() - this.announced < ANNOUNCE_MS) return;
    this.announced = performance.now();
    const accepted = step.state.replace(/[^a]/g, "").length;
    this.say(`Step ${step.step} of at most ${step.total}: ${accepted} of ${step.state.length} positions accepted.`);
  }

  private say(text: string): void {
    this.said.textContent = text;
  }

  private show(turn: Turn, live = false): void {
    if (!turn.trace) return;
    this.shown = turn;
    this.player.show(turn.trace, { live });
    this.update();
  }

  /** The canvas was primed for nothing: show what was there before. */
  private reshow(): void {
    const last = this.turns.findLast((turn) => turn.trace?.steps.length);
    if (last) this.show(last);
    else void this.showExample();
  }

  private update(): void {
    for (const view of this.views) view.update(view.turn === this.shown);
  }

  private async open(): Promise<void> {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (!file) return;
    try {
      const trace = parseTrace(await file.text());
      const turn = turnOf(trace);
      this.add(turn);
      this.show(turn);
      void saveTurns(this.turns);
    } catch (error) {
      this.banner.textContent = error instanceof TraceError ? error.message : `${file.name} cannot be read.`;
      this.banner.hidden = false;
      setTimeout(() => (this.banner.hidden = true), NOTICE_MS);
    }
  }

  private clear(): void {
    this.running?.abort();
    this.turns = [];
    this.views = [];
    this.shown = null;
    this.list.replaceChildren();
    this.greet(true);
    this.composer.focus();
    void saveTurns([]);
    void this.showExample();
  }
}

function isNarrow(): boolean {
  return matchMedia("(max-width: 900px)").matches;
}

function turnOf(trace: Trace): Turn {
  return { question: questionOf(trace), answer: trace.result?.text ?? "", trace, state: "done", note: "" };
}

void new Page().begin();
