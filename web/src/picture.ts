// A trace as an animated picture: one SVG in which every moment is visible in its turn.

import { type Frame, frameOf, momentsOf } from "./frame.ts";
import { momentName } from "./timeline.ts";
import { type Trace, questionOf } from "./trace.ts";

const COLUMNS = 84;
const CHARACTER = 8.43; // width and line height of 14 px monospace
const LINE = 22;
const MARGIN = 28;
const MOMENT_SECONDS = 0.3;
const REST_SECONDS = 4;
const NO_TEXT = " \u00b7";

const STYLE = `
.ground { fill: #fbf8f1; stroke: #e2d9c6 }
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre }
.noise { fill: #cbc2b0 } .draft { fill: #b4700f } .accepted { fill: #17735f } .committed { fill: #20242c }
.after { fill: #ddd4c2 } .small { fill: #857c6b; font-size: 13px }
@media (prefers-color-scheme: dark) {
  .ground { fill: #1b1d21; stroke: #34363b }
  .noise { fill: #505156 } .draft { fill: #dfa548 } .accepted { fill: #58c3a5 } .committed { fill: #ece7dc }
  .after { fill: #3a3b40 } .small { fill: #97928a }
}`;

interface Piece {
  kind: string;
  text: string;
}

export function drawPicture(trace: Trace): string {
  const moments = momentsOf(trace);
  const pages = moments.map((moment) => wrap(piecesOf(frameOf(trace, moment))));
  const lines = Math.max(1, ...pages.map((page) => page.length));
  const width = Math.ceil(2 * MARGIN + COLUMNS * CHARACTER);
  const height = 2 * MARGIN + (lines + 3) * LINE;
  const total = MOMENT_SECONDS * (moments.length - 1) + REST_SECONDS;
  const question = escape(shorten(questionOf(trace)));
  const groups = moments.map((moment, index) => {
    const begin = (MOMENT_SECONDS * index) / total;
    const end = index === moments.length - 1 ? 1 : (MOMENT_SECONDS * (index + 1)) / total;
    const rows = (pages[index] ?? []).map((line, row) => {
      const spans = line.map((piece) => `<tspan class="${piece.kind}">${escape(piece.text)}</tspan>`).join("");
      return `<text x="${MARGIN}" y="${MARGIN + (row + 2.5) * LINE}">${spans}</text>`;
    });
    // The last moment is what a viewer without animation sees.
    return [
      `<g visibility="${index === moments.length - 1 ? "visible" : "hidden"}">`,
      moments.length > 1 ? animation(begin, end, total) : "",
      ...rows,
      `<text class="small" x="${MARGIN}" y="${height - MARGIN}">${escape(momentName(moment))}</text></g>`,
    ].join("\n");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>A canvas of noise comes into focus</title><style>${STYLE}</style>`,
    `<rect class="ground" x="1" y="1" width="${width - 2}" height="${height - 2}" rx="14"/>`,
    `<text class="small" x="${MARGIN}" y="${MARGIN + LINE * 0.75}">${question}</text>`,
    ...groups,
    "</svg>\n",
  ].join("\n");
}

function animation(begin: number, end: number, total: number): string {
  const marks = [begin, end].filter((mark) => mark > 0 && mark < 1).map((mark) => mark.toFixed(4));
  const values =
    begin === 0 ? ["visible", "hidden"] : end === 1 ? ["hidden", "visible"] : ["hidden", "visible", "hidden"];
  return (
    `<animate attributeName="visibility" values="${values.join(";")}" keyTimes="0;${marks.join(";")}" ` +
    `dur="${total.toFixed(2)}s" calcMode="discrete" repeatCount="indefinite"/>`
  );
}

function piecesOf(frame: Frame): Piece[] {
  const before = frame.before ? [{ kind: "committed", text: frame.before }] : [];
  return [
    ...before,
    ...frame.cells.map((cell) => ({ kind: cell.state, text: cell.text === "" ? NO_TEXT : (cell.text ?? "") })),
  ];
}

/** Break pieces into lines, at line breaks and between words, and join neighbours of one kind. */
function wrap(pieces: Piece[]): Piece[][] {
  const lines: Piece[][] = [[]];
  let used = 0;
  for (const { kind, text } of pieces) {
    for (const word of text.split(/(\n|(?= ))/)) {
      if (word === "\n" || used + word.length > COLUMNS) {
        lines.push([]);
        used = 0;
      }
      const shown = used === 0 ? word.trim() : word;
      const line = lines.at(-1);
      const last = line?.at(-1);
      if (last?.kind === kind) last.text += shown;
      else if (shown) line?.push({ kind, text: shown });
      used += shown.length;
    }
  }
  return lines;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}\u2026` : line;
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escape(text: string): string {
  // XML has no control characters at all.
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\u00b7")
    .replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one);
}
