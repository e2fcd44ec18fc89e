// Requests to the server that the page came from.

import { serverEvents } from "./sse.ts";
import type { ChatChunk, ChatRequest, EditReply, EditRequest, ErrorReply, Model, ModelList } from "./wire.ts";

/** The server answered, and refused. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** Seconds to wait before another try; null if it does not say. */
    readonly retryAfter: number | null,
  ) {
    super(message);
  }
}

/** The server did not answer, or broke off. */
export class Gone extends Error {}

export class Client {
  /** Sent with every request where it is not empty. */
  key = "";

  async models(): Promise<Model[]> {
    return ((await (await this.ask("v1/models")).json()) as ModelList).data;
  }

  async *chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatChunk> {
    const response = await this.ask("v1/chat/completions", request, signal);
    if (!response.body) throw new Gone("The server sent nothing.");
    try {
      for await (const data of serverEvents(response.body)) {
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data) as ChatChunk | ErrorReply;
        if ("error" in chunk) throw new Refusal(chunk.error.message, 500, null);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof Refusal || signal.aborted) throw error;
      throw new Gone("The server broke off.");
    }
    throw new Gone("The server broke off.");
  }

  async edit(request: EditRequest, signal: AbortSignal): Promise<EditReply> {
    return (await (await this.ask("edit", request, signal)).json()) as EditReply;
  }

  /** Ask with GET, or with POST where there is a body. Paths are relative, so that the page works behind a prefix. */
  private async ask(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.key) headers["Authorization"] = `Bearer ${this.key}`;
    if (body) headers["Content-Type"] = "application/json";
    const init: RequestInit = { headers, method: body ? "POST" : "GET" };
    if (body) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    let response: Response;
    try {
      response = await fetch(path, init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Gone("The server does not answer.");
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const wait = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  let message = `The server answered ${response.status} ${response.statusText}`.trim();
  try {
    message = ((await response.json()) as ErrorReply).error.message;
  } catch {
    // Not its own words, but those of something between: the status must do.
  }
  return new Refusal(message, response.status, Number.isFinite(wait) ? wait : null);
}
