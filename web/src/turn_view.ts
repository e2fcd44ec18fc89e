// A question and its answer. A part of the answer can be chosen to be painted again.

import { quoted } from "./canvas_view.ts";
import type { Part, Turn, TurnState } from "./conversation.ts";
import { h } from "./element.ts";

const STATES: Record<TurnState, string> = {
  waiting: "Asking\u2026",
  painting: "Painting\u2026",
  done: "",
  stopped: "Stopped. What was committed stays.",
  failed: "",
};
const MOST_QUOTED = 24;
const FLOAT_GAP = 6;

export interface TurnActions {
  show: () => void;
  repaint: (part: Part) => void;
  again: () => void;
}

export class TurnView {
  readonly element: HTMLElement;
  private readonly answer = h("p", { class: "answer" });
  private readonly editor = h("textarea", {
    class: "answer",
    hidden: true,
    "aria-label": "Select the words to paint again",
    onbeforeinput: (event: InputEvent) => event.preventDefault(), // there to select in, not to type
    onselect: () => this.choose(),
    onkeyup: () => this.choose(),
  });
  private readonly note = h("p", { class: "note" });
  private readonly showButton: HTMLButtonElement;
  private readonly partButton: HTMLButtonElement;
  private readonly againButton: HTMLButtonElement;
  private readonly reply = h("div", { class: "reply" });
  private part: Part | null = null;

  constructor(
    readonly turn: Turn,
    private readonly actions: TurnActions,
  ) {
    this.showButton = h("button", { type: "button", onclick: actions.show }, "Replay");
    this.partButton = h("button", { type: "button", class: "repaint", onclick: () => this.repaint() });
    this.againButton = h("button", { type: "button", onclick: actions.again }, "Try again");
    this.element = h(
      "li",
      { class: "turn" },
      h("p", { class: "question" }, turn.question),
      this.reply,
    );
    const buttons = h("div", { class: "actions" }, this.showButton, this.partButton, this.againButton);
    this.reply.append(this.answer, this.editor, this.note, buttons);
    this.update(false);
  }

  /** Show the turn as it is now. */
  update(isShown: boolean): void {
    const { answer, state, note, trace } = this.turn;
    const isBusy = state === "waiting" || state === "painting";
    this.element.dataset["state"] = state;
    this.element.classList.toggle("shown", isShown);
    if (this.answer.textContent !== answer) {
      this.answer.textContent = answer;
      this.edit(false);
    }
    this.note.textContent = note || STATES[state];
    this.note.hidden = this.note.textContent === "";
    this.showButton.hidden = !trace?.steps.length || isBusy;
    this.showButton.setAttribute("aria-pressed", String(isShown));
    this.partButton.hidden = isBusy || answer === "";
    this.againButton.hidden = isBusy || state === "done";
    this.label();
  }

  private edit(on: boolean): void {
    this.part = null;
    this.answer.hidden = on;
    this.editor.hidden = !on;
    if (on) {
      this.editor.value = this.turn.answer;
      this.editor.style.height = "auto";
      this.editor.style.height = `${this.editor.scrollHeight + 2}px`;
      this.editor.focus();
      this.editor.setSelectionRange(0, 0);
    }
    this.label();
  }

  private repaint(): void {
    const { part } = this;
    if (!part) return this.edit(!this.answer.hidden);
    this.edit(false);
    getSelection()?.removeAllRanges();
    this.actions.repaint(part);
  }

  /** The selection has changed: if it lies in the answer, it is the part that may be painted again. */
  choose(): void {
    if (this.partButton.hidden) return;
    const part = this.editor.hidden
      ? selectionIn(this.answer)
      : { start: this.editor.selectionStart, end: this.editor.selectionEnd };
    if (!part) return;
    this.part = part.end > part.start ? part : null;
    this.label();
  }

  private label(): void {
    const words = this.part ? this.turn.answer.slice(this.part.start, this.part.end) : "";
    const shown = words.length > MOST_QUOTED ? `${words.slice(0, MOST_QUOTED)}\u2026` : words;
    this.partButton.classList.toggle("ready", this.part !== null);
    this.partButton.textContent = this.part
      ? `Paint ${quoted(shown)} again`
      : this.editor.hidden
        ? "Paint a part again"
        : "Keep as it is";
    this.float();
  }

  /** Where words are selected, the button that paints them again stands under them. */
  private float(): void {
    const range = this.part && this.editor.hidden && getSelection()?.rangeCount ? getSelection()?.getRangeAt(0) : null;
    const words = range && Array.from(range.getClientRects()).at(-1);
    this.partButton.classList.toggle("afloat", Boolean(words));
    this.partButton.setAttribute("aria-label", this.partButton.textContent ?? "");
    if (!words) return;
    this.partButton.textContent = "Paint this again";
    const room = this.reply.getBoundingClientRect();
    const left = Math.min(words.right - room.left, room.width) - this.partButton.offsetWidth;
    this.partButton.style.setProperty("left", `${Math.max(0, left)}px`);
    this.partButton.style.setProperty("top", `${words.bottom - room.top + FLOAT_GAP}px`);
  }
}

/** What is selected in an element that holds one text; null if the selection is elsewhere. */
function selectionIn(element: HTMLElement): Part | null {
  const selection = getSelection();
  const text = element.firstChild;
  if (!selection?.rangeCount || !text) return null;
  const range = selection.getRangeAt(0);
  if (!range.intersectsNode(element) || !element.contains(selection.anchorNode)) return null;
  const start = range.startContainer === text ? range.startOffset : 0;
  const end = range.endContainer === text ? range.endOffset : (text.textContent?.length ?? 0);
  return range.collapsed ? { start, end: start } : { start, end };
}
