// The whole canvas at a glance: one tile a position, always at the same place.

import { h } from "./element.ts";
import type { CellState, Frame } from "./frame.ts";

const COLUMNS = 16;
const GAP_SHARE = 0.14; // of a tile

export class Mosaic {
  readonly element: HTMLCanvasElement;
  private frame: Frame | null = null;
  private picked: number | null = null;

  constructor(private readonly onpick: (position: number | null) => void) {
    this.element = h("canvas", {
      class: "mosaic",
      "aria-hidden": "true", // the canvas beside it says the same in words
      onclick: (event: MouseEvent) => this.click(event),
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(frame: Frame): void {
    this.frame = frame;
    this.draw();
  }

  mark(position: number | null): void {
    this.picked = position;
    this.draw();
  }

  private draw(): void {
    const cells = this.frame?.cells;
    const context = this.element.getContext("2d");
    if (!cells || !context) return;
    const rows = Math.ceil(cells.length / COLUMNS);
    const tile = Math.max(2, Math.round((this.element.clientWidth * devicePixelRatio) / COLUMNS));
    const [width, height] = [COLUMNS * tile, rows * tile];
    if (this.element.width !== width || this.element.height !== height) {
      Object.assign(this.element, { width, height });
      this.element.style.setProperty("aspect-ratio", `${COLUMNS} / ${rows}`);
    }
    const style = getComputedStyle(this.element);
    const color = (name: string): string => style.getPropertyValue(`--${name}`);
    const inks: Record<CellState, string> = {
      noise: color("noise"),
      draft: color("draft"),
      accepted: color("accepted"),
      committed: color("committed"),
      after: color("after"),
    };
    const side = tile - Math.max(1, Math.round(tile * GAP_SHARE));
    context.clearRect(0, 0, width, height);
    cells.forEach((cell, position) => {
      const [x, y] = [(position % COLUMNS) * tile, Math.floor(position / COLUMNS) * tile];
      context.fillStyle = inks[cell.state];
      context.globalAlpha = cell.state === "noise" ? 0.4 : cell.state === "after" ? 0.6 : 0.3 + 0.7 * cell.confidence;
      context.fillRect(x, y, side, side);
      if (position !== this.picked) return;
      context.globalAlpha = 1;
      context.fillStyle = color("picked");
      context.fillRect(x, y, side, side);
    });
  }

  private click(event: MouseEvent): void {
    const box = this.element.getBoundingClientRect();
    const rows = Math.ceil((this.frame?.cells.length ?? 0) / COLUMNS);
    const column = Math.floor(((event.clientX - box.left) / box.width) * COLUMNS);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const position = row * COLUMNS + column;
    if (this.frame?.cells[position]) this.onpick(position === this.picked ? null : position);
  }
}
