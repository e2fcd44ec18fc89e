// Building elements without markup: text is always text.

type Value = string | number | boolean | ((event: never) => void);

/** `h("button", { type: "button", onclick: f }, "Go")`. true sets an empty attribute, false none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, Value> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(name.replace(/^on/, ""), value as EventListener);
    } else if (value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** A button that shows a drawing of 24 by 24 and says its name. */
export function iconButton(name: string, path: string, onclick: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", class: "icon", "aria-label": name, title: name, onclick });
  setIcon(button, path);
  return button;
}

/** Replace the drawing of a button. */
export function setIcon(button: HTMLElement, path: string): void {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  button.replaceChildren(svg);
}

/** Hand the reader a file. */
export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
