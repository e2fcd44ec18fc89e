// The page with a server that needs no model: it answers everything with the recorded example. `node fake_server.mjs [PORT]`

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'";
const TOKENS_AT_ONCE = 5; // of left to right
const NAMES = { n: "noise", d: "draft", a: "accepted" };

/** Starts it; `state` is what a test looks at and turns: pace, refusal, speechlessness, about, requests, aborted. */
export async function startServer({ folder = join(here, "../src/gesso/server/page"), port = 0 } = {}) {
  const trace = JSON.parse(await readFile(join(here, "example.json"), "utf8"));
  const state = { paceMs: 120, refusal: null, isSpeechless: false, about: undefined, requests: [], aborted: 0 };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = new URL(request.url, "http://localhost").pathname;
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : null;
    if (body) state.requests.push({ path, body });
    try {
      if (body && state.refusal && isRefused(state.refusal, path, body)) refuse(response, state.refusal);
      else if (path === "/v1/models") json(response, { object: "list", data: [{ id: "bundled", max_steps: 96, about: state.about }] });
      else if (path === "/v1/chat/completions") await chat(response, trace, state, body);
      else if (path === "/edit") json(response, { text: edited(body) });
      else await file(response, join(folder, path === "/" ? "index.html" : path.slice(1).replaceAll("..", "")));
    } catch (error) {
      if (!response.headersSent) refuse(response, { status: 404, message: String(error) });
    }
  });
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  const close = () => new Promise((done) => (server.closeAllConnections(), server.close(done)));
  return { server, state, trace, url: `http://127.0.0.1:${server.address().port}/`, close };
}

function isRefused(refusal, path, body) {
  return path === (refusal.path ?? path) && body.diffusion?.mode === (refusal.mode ?? body.diffusion?.mode);
}

function edited({ text, spans: [{ start, stop }] }) {
  return `${text.slice(0, start)} green${text.slice(stop)}`;
}

async function file(response, path) {
  const content = await readFile(path);
  response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain", "content-security-policy": POLICY });
  response.end(content);
}

function json(response, value, status = 200, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

function refuse(response, { status, message, retryAfter }) {
  const headers = retryAfter ? { "retry-after": String(retryAfter) } : {};
  json(response, { error: { message, type: "invalid_request_error", param: null, code: null } }, status, headers);
}

async function chat(response, trace, state, body) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.on("close", () => (state.aborted += response.writableEnded ? 0 : 1));
  const wrap = (fields) => ({
    id: "chatcmpl_1",
    object: "chat.completion.chunk",
    created: 1,
    model: "bundled",
    choices: [],
    ...fields,
  });
  const send = (fields) => response.write(`data: ${JSON.stringify(wrap(fields))}\n\n`);
  const delta = (content, finish_reason = null) => [{ index: 0, delta: content, finish_reason }];
  const rest = () => new Promise((done) => setTimeout(done, state.paceMs));
  const done = () => response.end("data: [DONE]\n\n");
  response.write(": ping\n\n");
  await rest();
  send({ choices: delta({ role: "assistant", content: "" }) });
  if (state.isSpeechless && body.messages.length > 1) return void (send({ choices: delta({}, "stop") }), done());
  const commit = trace.commits[0];
  const last = { ...trace.steps.at(-1), step: commit.steps };
  const spans = frame(last, [])
    .spans.slice(0, commit.tokens)
    .map(({ start, end, text, draft = text }) => ({ start, end, text: draft, state: "committed", confidence: 1 }));
  if (body.diffusion.mode === "autoregressive") {
    for (let end = 1; end < spans.length && !response.destroyed; end += TOKENS_AT_ONCE) {
      const written = { canvas: 0, step: end, total: spans.length, spans: spans.slice(0, end), changed: [] };
      send({ choices: delta({}), diffusion: written });
      await rest();
    }
  } else {
    for (const step of trace.steps) {
      if (response.destroyed) return;
      send({ choices: delta({}), diffusion: frame(step, body.diffusion.pins ?? []) });
      await rest();
    }
  }
  if (response.destroyed) return;
  send({ choices: delta({}), diffusion: { canvas: 0, step: commit.steps, total: last.total, spans, changed: [] } });
  send({ choices: delta({ content: commit.text }) });
  send({ choices: delta({}, "stop") });
  send({
    usage: {
      prompt_tokens: 9,
      completion_tokens: commit.tokens,
      total_tokens: 9 + commit.tokens,
      diffusion: { seeds: [1] },
    },
  });
  done();
}

function frame(step, pins) {
  const pinned = new Map(pins.map((pin) => [pin.start, pin.text]));
  const spans = step.text.map((text, start) => ({
    start,
    end: start + 1,
    text: pinned.get(start) ?? text ?? "",
    state: pinned.has(start) ? "accepted" : NAMES[step.state[start]],
    confidence: pinned.has(start) ? 1 : Number(Math.exp(-step.entropy[start]).toFixed(3)),
    ...(step.draft[start] === undefined || pinned.has(start) ? {} : { draft: step.draft[start] }),
    ...(step.alternatives?.[start] && !pinned.has(start) ? { alternatives: step.alternatives[start] } : {}),
  }));
  const { canvas, total, temperature } = step;
  return { canvas, step: step.step, total, temperature, spans, changed: spans.map((span) => span.start) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startServer({ port: Number(process.argv[2] ?? 8123) });
  console.log(`The page is at ${url}`);
}
