// A trace in a file of its own: what `gesso generate --trace` writes.

import { h } from "./element.ts";
import { Player } from "./player.ts";
import { type Trace, parseTrace } from "./trace.ts";

function facts(trace: Trace): HTMLElement {
  const { settings, result, model } = trace;
  const shown: Record<string, unknown> = {
    model,
    seed: settings["seed"],
    "most steps": settings["max_steps"],
    tokens: result?.tokens,
    seconds: result?.seconds,
    ended: result?.finish_reason,
  };
  const list = h("dl", { class: "facts" });
  for (const [name, value] of Object.entries(shown)) {
    if (value !== undefined && value !== null) list.append(h("div", {}, h("dt", {}, name), h("dd", {}, String(value))));
  }
  return list;
}

function begin(): void {
  const trace = parseTrace(document.getElementById("trace")?.textContent ?? "");
  const player = new Player();
  const answer = h(
    "details",
    { class: "whole" },
    h("summary", {}, "The whole text"),
    h("p", {}, trace.result?.text ?? ""),
  );
  document.body.append(
    h("header", { class: "top" }, h("h1", {}, "Gesso")),
    h(
      "p",
      { class: "idea alone" },
      "This text was not written word after word. ",
      h("b", {}, "It began as noise, and came into focus all at once."),
    ),
    h("main", { class: "alone" }, player.element, answer, facts(trace)),
  );
  player.show(trace, { loop: !matchMedia("(prefers-reduced-motion: reduce)").matches });
}

try {
  begin();
} catch (error) {
  document.body.append(
    h("p", { class: "banner", role: "alert" }, error instanceof Error ? error.message : String(error)),
  );
}
