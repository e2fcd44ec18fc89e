// Drives the page in a headless Chromium: `node browser_test.mjs [REPLAY.html]`.
// CHROMIUM names the program; PICTURES=1 leaves what was seen in pictures/.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { startServer } from "./fake_server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const pictures = join(here, "pictures");
const QUIET = [
  "no-sandbox",
  "disable-gpu",
  "disable-quic",
  "no-first-run",
  "disable-background-networking",
  "disable-component-update",
  "disable-sync",
];
const QUESTION = "Write a story about a little fox who makes a friend.";

const PLACE = 25; // of two tokens that are painted again

await mkdir(pictures, { recursive: true });
const server = await startServer();
const { state, trace } = server;
const [commit] = trace.commits;
const last = trace.steps.at(-1);
const words = [PLACE, PLACE + 1]
  .map((place) => last.draft[place] ?? last.text[place])
  .join("")
  .trim();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: QUIET.map((name) => `--${name}`),
  timeout: 300_000,
});
const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, acceptDownloads: true });
context.setDefaultTimeout(180_000);
const complaints = [];

async function openPage() {
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return page;
}

const began = Date.now();
async function law(name, check) {
  await check();
  console.log(`ok ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${name}`);
}

const page = await openPage();
const step = page.locator(".step");
const turn = (number) => page.locator(".turn").nth(number);
const settled = (number) =>
  page.waitForFunction(
    (n) => ["done", "stopped", "failed"].includes(document.querySelectorAll(".turn")[n]?.dataset.state),
    number,
  );
const stepSays = (pattern) =>
  page.waitForFunction(
    (source) => new RegExp(source).test(document.querySelector(".step").textContent),
    pattern.source,
  );

async function until(holds) {
  const deadline = Date.now() + 180_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${holds}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** In the page: whether the last turn is kept with this state. */
const lastSavedState = (state) =>
  new Promise((resolve) => {
    const opening = indexedDB.open("gesso");
    opening.onsuccess = () => {
      const reading = opening.result.transaction("gesso").objectStore("gesso").get("turns");
      reading.onsuccess = () => resolve(reading.result?.at(-1).state === state);
    };
  });

async function picture(name, of = page) {
  if (process.env.PICTURES) await of.screenshot({ path: join(pictures, `${name}.png`), fullPage: name !== "painting" });
}

async function ask(question) {
  await page.getByLabel("Your message").fill(question);
  await page.keyboard.press("Enter");
}

await law("the first visit shows an example that plays by itself", async () => {
  await page.goto(server.url);
  await stepSays(/^Example: Canvas 1, step [3-9]/);
  await picture("first visit");
});

await law("a question is answered on a canvas that changes before one's eyes", async () => {
  await page.evaluate(() => {
    window.seen = new Set();
    const look = () => window.seen.add([...document.querySelectorAll(".cells > [data-state=noise]")].length);
    new MutationObserver(look).observe(document.querySelector(".cells"), {
      subtree: true,
      attributes: true,
      childList: true,
    });
  });
  state.paceMs = 1000;
  await ask(QUESTION);
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await page.waitForFunction(() => window.seen.size > 3);
  await picture("painting");
  state.paceMs = 20;
  await settled(0);
  assert.equal(await turn(0).getAttribute("data-state"), "done");
  assert.equal(await turn(0).locator("p.answer").textContent(), commit.text);
  assert.equal(await page.locator(".cells > *").count(), 256);
  assert.equal(await page.locator(".cells > [data-state=committed]").count(), commit.tokens);
  await stepSays(/^Canvas 1, committed after \d+ steps/);
  const { body } = state.requests[0];
  assert.deepEqual(body.messages, [{ role: "user", content: QUESTION }]);
  assert.deepEqual(body.diffusion, { stream_drafts: true, draft_interval: 0 });
  assert.equal("temperature" in body, false);
});

await law("the slider goes step by step with the arrow keys, and the play button plays", async () => {
  await page.getByLabel("Step of the generation").focus();
  await page.keyboard.press("Home");
  await stepSays(/step 1 of 48/);
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await stepSays(/step 4 of 48/);
  await picture("step 4");
  await page.getByLabel("Speed of the replay").selectOption("fast");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await stepSays(/committed after/);
});

await law("a moment is drawn and laid out in less than a thirtieth of a second of the processor", async () => {
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () =>
    (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  const before = await spent();
  const moments = await page.evaluate(() => {
    const slider = document.querySelector(".timeline input");
    for (let index = 0; index <= Number(slider.max); index++) {
      slider.valueAsNumber = index;
      slider.dispatchEvent(new Event("input"));
      document.body.getBoundingClientRect(); // its layout, too
    }
    return Number(slider.max) + 1;
  });
  const milliseconds = (1000 * ((await spent()) - before)) / moments;
  console.log(`        ${milliseconds.toFixed(1)} ms`);
  assert.ok(milliseconds < 1000 / 30);
});

await law("a token tells its history, by mouse and by keyboard", async () => {
  await page.locator("#position-40").click();
  await page.getByRole("heading", { name: /Position 41/ }).waitFor();
  assert.equal(await page.locator(".history tbody tr").count(), trace.steps.length + 1);
  await page.getByRole("button", { name: "Go to step 2", exact: true }).click();
  await stepSays(/step 2 of 48/);
  await page.locator(".cells").focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: /Position 42/ }).waitFor();
  assert.equal(await page.locator(".cells").getAttribute("aria-activedescendant"), "position-41");
  await picture("history");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".history").isVisible(), false);
});

await law("a trace is saved, and opened again as it was", async () => {
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save trace" }).click(),
  ]);
  const path = join(pictures, "trace.json");
  await saved.saveAs(path);
  const written = JSON.parse(await readFile(path, "utf8"));
  assert.equal(written.format, "gesso-trace");
  assert.deepEqual(
    written.steps.map((one) => one.text),
    trace.steps.map((one) => one.text.map((text) => text ?? "")),
  );
  assert.equal(written.commits[0].text, commit.text);
  assert.equal(written.settings.seed, 1);
  await page.locator("input[type=file]").setInputFiles(path);
  await turn(1).waitFor();
  assert.equal(await turn(1).locator("p.answer").textContent(), commit.text);
});

await law("what is no trace is refused in words", async () => {
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from('{"format": "else"}') });
  await page.getByRole("alert").filter({ hasText: "not a gesso trace" }).waitFor();
});

await law("the animated picture is well-formed and holds every step", async () => {
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save picture" }).click(),
  ]);
  await saved.saveAs(join(pictures, "canvas.svg"));
  const source = await readFile(join(pictures, "canvas.svg"), "utf8");
  const blank = await context.newPage(); // the page's own policy refuses the style of a picture
  const [error, groups] = await blank.evaluate((text) => {
    const svg = new DOMParser().parseFromString(text, "image/svg+xml");
    return [svg.querySelector("parsererror")?.textContent ?? null, svg.querySelectorAll("g").length];
  }, source);
  await blank.close();
  assert.equal(error, null);
  assert.equal(groups, trace.steps.length + 1);
});

await law("words that are selected are painted again, and all others are pinned", async () => {
  await page.evaluate((chosen) => {
    const text = document.querySelector(".turn p.answer").firstChild;
    const start = text.data.indexOf(chosen);
    getSelection().setBaseAndExtent(text, start, text, start + chosen.length);
  }, words);
  await turn(0)
    .getByRole("button", { name: `Paint \u201c${words}\u201d again` })
    .click();
  await until(() => state.requests.length === 2);
  await settled(0);
  const { path, body } = state.requests.at(-1);
  assert.equal(path, "/v1/chat/completions");
  const pinned = new Set(body.diffusion.pins.map((pin) => pin.start));
  const free = last.text.slice(0, commit.tokens).flatMap((_, place) => (pinned.has(place) ? [] : [place]));
  assert.deepEqual(free, [PLACE, PLACE + 1]);
});

await law("the same goes by keyboard alone; where the server cannot pin the words, it fills the gap", async () => {
  await turn(1).getByRole("button", { name: "Paint a part again" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("typing changes nothing");
  const first = commit.text.slice(0, 4);
  for (let i = 0; i < first.length; i++) await page.keyboard.press("Shift+ArrowRight");
  await turn(1)
    .getByRole("button", { name: `Paint \u201c${first}\u201d again` })
    .waitFor();
  state.refusal = {
    path: "/v1/chat/completions",
    status: 400,
    message: "diffusion.pins.3 lies on another pin; move it",
  };
  await page.keyboard.press("Tab"); // to Replay
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".turn p.answer")[1].textContent.startsWith(" green"));
  assert.deepEqual(state.requests.at(-1).body, { prefix: "", suffix: commit.text.slice(first.length) });
  state.refusal = null;
});

await law("an answer can be stopped, and the server hears of it", async () => {
  state.paceMs = 2000;
  await ask("Another story, please.");
  await turn(2).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".turn")[2].dataset.state === "painting");
  await page.getByRole("button", { name: "Stop" }).click();
  await settled(2);
  assert.equal(await turn(2).getAttribute("data-state"), "stopped");
  await turn(2).getByText("Stopped.").waitFor();
  await until(() => state.aborted === 1);
  state.paceMs = 50;
});

await law("a server that is busy is quoted, and asked again", async () => {
  state.refusal = { status: 429, message: "the queue is full", retryAfter: 3 };
  await ask("One more.");
  await turn(3).getByText("the queue is full (try again in 3 s)").waitFor();
  state.refusal = null;
  await turn(3).getByRole("button", { name: "Try again" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".turn")[3].dataset.state === "done");
});

await law("after a reload the conversation and its replays are still there", async () => {
  await page.waitForFunction(lastSavedState, "done");
  await page.reload();
  await turn(3).waitFor();
  await stepSays(/^Canvas 1, committed/);
  await turn(0).getByRole("button", { name: "Replay" }).click();
  assert.equal(await page.locator(".cells > [data-state=committed]").count(), commit.tokens);
});

await law("a phone has the canvas and the chat, and nothing sticks out", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await picture("phone");
});

await law("a server that is gone is said to be", async () => {
  const complained = complaints.length;
  await server.close();
  await ask("Are you there?");
  await turn(4).getByText("The server is gone.").waitFor();
  await page.getByRole("alert").filter({ hasText: "The server is gone" }).waitFor();
  complaints.length = complained; // the browser logs every connection that was refused
});

if (process.argv[2]) {
  await law(
    "a replay in a file of its own plays, loads nothing, and runs nothing that stands in its text",
    async () => {
      const alone = await openPage();
      const asked = [];
      alone.on("request", (request) => asked.push(request.url()));
      await alone.goto(pathToFileURL(process.argv[2]).href);
      await alone.waitForFunction(() => document.querySelector(".step")?.textContent.startsWith("Canvas 1"));
      assert.equal(await alone.evaluate(() => "harm" in window), false);
      assert.equal(asked.length, 1);
      await picture("replay", alone);
    },
  );
}

await browser.close();
assert.deepEqual(
  complaints.filter((text) => !/429|400/.test(text)),
  [],
);
console.log("all laws hold");
