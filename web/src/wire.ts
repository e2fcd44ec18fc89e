// What the page and the server say to each other. The server's side: src/gesso/server/, docs/server.md.

export type State = "noise" | "draft" | "accepted" | "committed";

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** POST /v1/chat/completions. A field that is left out has the model's own value. */
export interface ChatRequest {
  model?: string;
  messages: ChatMessage[];
  stream: true;
  stream_options: { include_usage: true };
  max_tokens?: number;
  temperature?: number;
  seed?: number;
  diffusion: {
    stream_drafts: true;
    /** Seconds between two frames at least; 0 asks for every step. */
    draft_interval?: number;
    /** Likeliest tokens that a frame tells of at each position. */
    alternatives?: number;
    /** Word after word, with the same weights; left out, all at once. */
    mode?: "autoregressive";
    steps?: number;
    /** Tokens of the first canvas that are fixed: each text is laid down from its position on. */
    pins?: { start: number; text: string }[];
  };
}

/**
 * What a canvas shows at neighbouring positions: one token, or the tokens that share a character.
 * `gesso.lm.trace.spans` makes them from a StepDone.
 */
export interface Span {
  /** First canvas position, from 0, and the one after the last. */
  start: number;
  end: number;
  /** Of the noise that the next step sees, of the draft, or of the accepted token. Empty for a control token. */
  text: string;
  state: State;
  /** exp(-entropy) of the prediction, from 0 to 1. */
  confidence: number;
  /** Text of the most likely token, where it is not `text`. */
  draft?: string;
  /** What may stand here and how likely it is, likeliest first; left out where nothing else is worth telling. */
  alternatives?: [string, number][];
}

/** The extra field of a chunk whose delta is {}: one denoising step, or the commit of a canvas. */
export interface DiffusionFrame {
  /** Which canvas, from 0. */
  canvas: number;
  /** Steps that it has taken, from 1, and may take. */
  step: number;
  total: number;
  /**
   * The whole canvas, in order. In the frame that commits the canvas, the last of it, every span that counts is
   * "committed", and positions behind the end of the text are left out.
   */
  spans: Span[];
  /** Positions whose text or state differs from the frame before; all of them in the first frame. */
  changed: number[];
  /** What the step's logits were divided by. */
  temperature?: number;
  /** In the frame that commits the canvas, how often a draft was read from left to right before. */
  readings?: number;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  diffusion?: { seeds?: number[] };
}

/** A chunk of the stream. `usage` comes once, last, with no choices. */
export interface ChatChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string | null; reasoning_content?: string | null };
    finish_reason: string | null;
  }[];
  usage?: Usage | null;
  diffusion?: DiffusionFrame;
}

/** POST /edit: spans of a text are written anew. Their ends count characters, not JavaScript's halves of them. */
export interface EditRequest {
  text: string;
  spans: { start: number; stop: number }[];
  seed?: number;
  steps?: number;
  temperature?: number;
}

export interface EditReply {
  /** All of it. */
  text: string;
}

/** A model that is served. */
export interface Model {
  id: string;
  /** Most denoising steps of a canvas, unless asked otherwise. */
  max_steps?: number;
  /** What its makers say of it. */
  about?: {
    /** What it can do; may be empty. */
    description: string;
    /** Messages that it answers well. */
    examples: string[];
    /** What was said before confuses it. */
    single_turn: boolean;
  };
}

/** GET /v1/models. */
export interface ModelList {
  data: Model[];
}

/** The body of every answer that is not 2xx, and a `data:` line of a stream that fails in the middle. */
export interface ErrorReply {
  error: { message: string; type: string; param: string | null; code: string | null };
}
