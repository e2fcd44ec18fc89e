// Where one asks, and the dials.

import { h } from "./element.ts";
import type { Model } from "./wire.ts";

/** What the reader has set; a dial that was not touched leaves the model's own value. */
export interface Dials {
  steps?: number;
  temperature?: number;
  max_tokens?: number;
  seed?: number;
}

export interface Wishes {
  dials: Dials;
  /** The same weights shall write word after word beside it. */
  race: boolean;
  /** What was said before is not sent along. */
  alone: boolean;
}

const CANVAS_TOKENS = 256;
const MOST_CANVASES = 4;
const OWN = "model's own";
const USUAL_STEPS = 48;
const MOST_STEPS = 64; // unless a model's own are more
const IDEAS = ["Write a story about a lost toy.", "Explain how rain is made.", "Write a letter to a friend."];

export class Composer {
  readonly element: HTMLElement;
  private readonly text: HTMLTextAreaElement;
  private readonly send = h("button", { type: "submit", class: "send" }, "Paint");
  private readonly stop: HTMLButtonElement;
  private readonly ideas = h("div", { class: "ideas", role: "group", "aria-label": "Ideas" });
  private readonly about = h("p", { class: "about" });
  private readonly steps = new Dial(
    "Steps",
    { min: 1, max: MOST_STEPS, start: USUAL_STEPS },
    (value) => `at most ${value}`,
  );
  private readonly temperature = new Dial("Temperature", { min: 0, max: 1.5, step: 0.05, start: 0.4 }, (value) =>
    value.toFixed(2),
  );
  private readonly length = h("select", { id: "length" }, h("option", { value: "" }, OWN));
  private readonly changed = h("span", { class: "changed" });
  private readonly alone = h("input", { type: "checkbox", onchange: () => (this.hasChosen = true) });
  /** Whether the model is asked each question by itself, unless the reader chooses. */
  private ownAlone = false;
  private hasChosen = false;
  private readonly race = h("input", { type: "checkbox", id: "race" });
  private readonly seed = h("input", {
    id: "seed",
    type: "number",
    min: 0,
    max: 2 ** 31,
    step: 1,
    placeholder: "drawn",
  });

  constructor(
    private readonly onask: (question: string) => void,
    onstop: () => void,
  ) {
    this.text = h("textarea", {
      rows: 2,
      placeholder: "Ask for a text\u2026",
      "aria-keyshortcuts": "/",
      "aria-label": "Your message",
      onkeydown: (event: KeyboardEvent) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.ask();
      },
    });
    this.stop = h("button", { type: "button", class: "stop", hidden: true, onclick: onstop }, "Stop");
    for (let count = 1; count <= MOST_CANVASES; count++) {
      const tokens = count * CANVAS_TOKENS;
      this.length.append(h("option", { value: tokens }, `${tokens} tokens`));
    }
    this.suggest(IDEAS);
    const more = h(
      "div",
      { class: "more" },
      h("label", { for: "length" }, "Length", this.length),
      h("label", { for: "seed" }, "Seed", this.seed),
      h("label", { class: "check" }, this.alone, "Each question by itself"),
    );
    this.element = h(
      "form",
      {
        class: "composer",
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          this.ask();
        },
      },
      this.about,
      this.ideas,
      h("div", { class: "line" }, this.text, this.send, this.stop),
      h(
        "div",
        { class: "wishes" },
        h(
          "label",
          { class: "check", title: "Ask the same weights for the same text twice: all at once, and word after word" },
          this.race,
          "Race it against word after word",
        ),
        h(
          "details",
          { class: "settings" },
          h("summary", {}, "Settings", this.changed),
          h("div", { class: "dials" }, this.steps.element, this.temperature.element, more),
        ),
      ),
    );
    this.element.addEventListener("input", () => this.tell());
    this.element.addEventListener("click", () => this.tell()); // a dial was reset
  }

  /** Suggest what this model can do, and leave to it what the reader has not chosen. */
  meet({ about, max_steps = USUAL_STEPS }: Model): void {
    this.steps.setOwn(max_steps, Math.max(MOST_STEPS, max_steps));
    this.ownAlone = about?.single_turn ?? false;
    if (!this.hasChosen) this.alone.checked = this.ownAlone;
    if (about?.examples.length) this.suggest(about.examples);
    const does = about?.description ? `This model ${about.description}.` : "";
    this.about.textContent = [does, this.ownAlone ? "It answers each question by itself." : ""].join(" ").trim();
    this.tell();
  }

  get wishes(): Wishes {
    return { dials: this.dials, race: this.race.checked, alone: this.alone.checked };
  }

  private get dials(): Dials {
    const dials: Dials = {};
    if (this.steps.value !== null) dials.steps = this.steps.value;
    if (this.temperature.value !== null) dials.temperature = this.temperature.value;
    if (this.length.value) dials.max_tokens = Number(this.length.value);
    if (this.seed.value && this.seed.checkValidity()) dials.seed = this.seed.valueAsNumber;
    return dials;
  }

  /** While the model paints, one can stop it and not ask. */
  setBusy(busy: boolean): void {
    const hadFocus = document.activeElement === (busy ? this.send : this.stop);
    this.send.hidden = busy;
    this.stop.hidden = !busy;
    if (hadFocus) (busy ? this.stop : this.send).focus();
  }

  showIdeas(shown: boolean): void {
    this.ideas.hidden = this.about.hidden = !shown;
  }

  focus(): void {
    this.text.focus();
  }

  private suggest(ideas: readonly string[]): void {
    const buttons = ideas.map((idea) => h("button", { type: "button", onclick: () => this.onask(idea) }, idea));
    this.ideas.replaceChildren(h("span", {}, "Try:"), ...buttons);
  }

  /** Say beside the settings which of them are not the model's own. */
  private tell(): void {
    const { steps, temperature, max_tokens, seed } = this.dials;
    const told = [
      steps !== undefined ? `${steps} steps` : "",
      temperature !== undefined ? `temperature ${temperature.toFixed(2)}` : "",
      max_tokens !== undefined ? `${max_tokens} tokens` : "",
      seed !== undefined ? `seed ${seed}` : "",
      this.alone.checked === this.ownAlone ? "" : this.alone.checked ? "each by itself" : "with what was said before",
    ];
    this.changed.textContent = told.filter(Boolean).join(", ");
  }

  private ask(): void {
    const question = this.text.value.trim();
    if (!question || this.send.hidden) return;
    this.text.value = "";
    this.onask(question);
  }
}

interface Range {
  min: number;
  max: number;
  step?: number;
  start: number;
}

class Dial {
  readonly element: HTMLElement;
  /** null until the reader has moved it. */
  value: number | null = null;
  /** Lay the model's own value and the largest one down. */
  readonly setOwn: (own: number, max: number) => void;

  constructor(name: string, { min, max, step = 1, start }: Range, say: (value: number) => string) {
    const output = h("output", {}, OWN);
    const slider = h("input", {
      type: "range",
      min,
      max,
      step,
      value: start,
      "aria-label": name,
      "aria-valuetext": OWN,
      oninput: () => set(slider.valueAsNumber),
    });
    const reset = h(
      "button",
      {
        type: "button",
        class: "reset",
        hidden: true,
        "aria-label": `${name}: ${OWN}`,
        title: OWN,
        onclick: () => set(null),
      },
      "\u00d7",
    );
    const set = (value: number | null): void => {
      this.value = value;
      output.textContent = value === null ? OWN : say(value);
      slider.setAttribute("aria-valuetext", output.textContent);
      slider.classList.toggle("own", value === null);
      if (value === null) slider.valueAsNumber = start;
      reset.hidden = value === null;
    };
    slider.classList.add("own");
    this.setOwn = (own, most) => {
      start = own;
      slider.max = String(most);
      if (this.value === null) slider.valueAsNumber = own;
    };
    this.element = h("div", { class: "dial" }, h("span", {}, name), output, reset, slider);
  }
}
