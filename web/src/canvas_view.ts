// The canvas as text: one element a position, painted by its state and by how sure the model is of it.

import { h } from "./element.ts";
import type { Cell, Frame } from "./frame.ts";

const NO_TEXT = "\u200b\u00b7"; // stands for a control token; a line may end before it
const LINE = 10; // positions that the up and down keys go

export class CanvasView {
  readonly element: HTMLElement;
  private readonly before = h("span", { class: "before" });
  private readonly list: HTMLElement;
  private readonly cells: HTMLElement[] = [];
  private readonly shown: string[] = [];
  private frame: Frame | null = null;
  private picked: number | null = null;

  /** `onpick` hears which position the reader wants to know more about; null closes. */
  constructor(private readonly onpick: (position: number | null) => void) {
    this.list = h("span", {
      class: "cells",
      role: "listbox",
      tabindex: 0,
      "aria-label": "Canvas. Arrow keys go from position to position and tell what may stand at each.",
      onkeydown: (event: KeyboardEvent) => this.move(event),
      onclick: (event: MouseEvent) => this.click(event),
    });
    this.element = h("div", { class: "canvas", translate: "no" }, this.before, this.list);
  }

  show(frame: Frame): void {
    this.frame = frame;
    if (this.before.textContent !== frame.before) this.before.textContent = frame.before;
    while (this.cells.length > frame.cells.length) {
      this.cells.pop()?.remove();
      this.shown.pop();
    }
    frame.cells.forEach((cell, position) => this.paint(position, cell));
    if (this.picked !== null) this.mark(Math.min(this.picked, frame.cells.length - 1));
  }

  /** Show nothing. */
  clear(): void {
    this.frame = null;
    this.before.textContent = "";
    this.cells.length = this.shown.length = 0;
    this.list.replaceChildren();
  }

  /** Where a position is on the screen. */
  boxOf(position: number): DOMRect | null {
    return this.cells[position]?.getClientRects()[0] ?? null;
  }

  /** Mark one position, or none, without telling anyone. */
  mark(position: number | null): void {
    if (this.picked !== null) this.cells[this.picked]?.setAttribute("aria-selected", "false");
    this.picked = position;
    const cell = position === null ? undefined : this.cells[position];
    if (!cell || position === null) {
      this.list.removeAttribute("aria-activedescendant");
      return;
    }
    cell.setAttribute("aria-selected", "true");
    cell.setAttribute("aria-label", `Position ${position + 1}: ${describe(this.frame?.cells[position])}`);
    this.list.setAttribute("aria-activedescendant", cell.id);
  }

  private paint(position: number, cell: Cell): void {
    const confidence = cell.confidence.toFixed(2);
    const key = `${cell.state} ${confidence} ${cell.text}`;
    if (this.shown[position] === key) return;
    this.shown[position] = key;
    let element = this.cells[position];
    if (!element) {
      element = h("span", { id: `position-${position}`, role: "option", "aria-selected": "false" });
      this.cells[position] = element;
      this.list.append(element);
    }
    const text = cell.text === "" ? NO_TEXT : (cell.text ?? "");
    if (element.textContent !== text) element.textContent = text;
    if (element.dataset["state"] !== cell.state) element.dataset["state"] = cell.state;
    element.toggleAttribute("data-control", cell.text === "");
    element.style.setProperty("--sure", confidence);
  }

  private click(event: MouseEvent): void {
    const position = this.cells.indexOf(event.target as HTMLElement);
    if (position >= 0) this.pick(position === this.picked ? null : position);
  }

  private move(event: KeyboardEvent): void {
    const last = this.cells.length - 1;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -LINE,
      ArrowDown: LINE,
      Home: -last,
      End: last,
    };
    const step = steps[event.key];
    if (event.key === "Escape" && this.picked !== null) this.pick(null);
    else if (step !== undefined && last >= 0) {
      this.pick(this.picked === null ? 0 : Math.max(0, Math.min(last, this.picked + step)));
      this.cells[this.picked ?? 0]?.scrollIntoView({ block: "nearest" });
    } else return;
    event.preventDefault();
    event.stopPropagation(); // or the player would take a step, too
  }

  private pick(position: number | null): void {
    this.mark(position);
    this.onpick(position);
  }
}

/** Say in words what a position shows. */
export function describe(cell: Cell | undefined): string {
  if (!cell) return "empty";
  const text =
    cell.text === "" ? "control token" : cell.text === null ? "part of the character before" : quoted(cell.text);
  if (cell.state === "after") return "behind the end of the text";
  if (cell.state === "committed") return `${text}, committed`;
  const others = cell.alternatives.map(([other, share]) => `${quoted(other)} ${percent(share)}`).join(", ");
  return `${text}, ${cell.state}, ${percent(cell.confidence)} sure${others && `; it may be ${others}`}`;
}

export function quoted(text: string): string {
  return `\u201c${text.replaceAll("\n", "\u21b5")}\u201d`;
}

/** `counted(1, "token")` is "1 token". */
export function counted(count: number, what: string, several = `${what}s`): string {
  return `${count} ${count === 1 ? what : several}`;
}

export function percent(share: number): string {
  return share > 0.995 && share < 0.9999 ? ">99%" : `${Math.round(share * 100)}%`;
}
