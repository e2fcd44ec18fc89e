// Drives the page in a headless Chromium, with a server that needs no model: `node browser_test.mjs [REPLAY.html]`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { handsOn, lastSavedState, law, openBrowser, picture, pictures, until } from "./browser.mjs";
import { startServer } from "./fake_server.mjs";

const QUESTION = "Write a story about a little fox who makes a friend.";
const PLACE = 25; // of two tokens that are painted again
const NAMED = "button, input, select, textarea, summary, [tabindex]"; // what the keyboard reaches

const server = await startServer();
const { state, trace } = server;
const [commit] = trace.commits;
const last = trace.steps.at(-1);
const words = [PLACE, PLACE + 1]
  .map((place) => last.draft[place] ?? last.text[place])
  .join("")
  .trim();
const { openContext, complaints, close } = await openBrowser();
const context = await openContext();
const page = await context.newPage();
const { turn, answer, stateOf, ask, settled, stepSays, select } = handsOn(page);

await law("the first visit shows an example that plays by itself", async () => {
  await page.goto(server.url);
  await page.getByText("Example").waitFor();
  await stepSays(/^Canvas 1, step [3-9]/);
  await picture(page, "first visit");
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
  await picture(page, "painting");
  state.paceMs = 20;
  await settled(0);
  assert.equal(await stateOf(0), "done");
  assert.equal(await answer(0), commit.text);
  assert.equal(await page.locator(".cells > *").count(), 256);
  assert.equal(await page.locator(".cells > [data-state=committed]").count(), commit.tokens);
  await stepSays(/^Canvas 1, committed after \d+ steps/);
  const { body } = state.requests[0];
  assert.deepEqual(body.messages, [{ role: "user", content: QUESTION }]);
  assert.deepEqual(body.diffusion, { stream_drafts: true, draft_interval: 0, alternatives: 5 });
  assert.equal("temperature" in body, false);
});

await law("the slider goes step by step with the arrow keys, and the play button plays", async () => {
  await page.getByLabel("Step of the generation").focus();
  await page.keyboard.press("Home");
  await stepSays(new RegExp(`step 1 of at most ${last.total}`));
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await stepSays(new RegExp(`step 4 of at most ${last.total}`));
  await picture(page, "step 4");
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

await law("a token tells what else may stand there and what stood there, by mouse and by keyboard", async () => {
  const card = page.locator(".card");
  await page.getByLabel("Step of the generation").focus();
  await page.keyboard.press("Home");
  const draftOf = (step, place) => step.draft[place] ?? step.text[place];
  const changes = ([place]) => draftOf(trace.steps[0], place) !== draftOf(last, place);
  const [place, choices] = Object.entries(trace.steps[0].alternatives).filter(changes)[5];
  await page.locator(`#position-${place}`).click();
  await page.getByRole("heading", { name: `Position ${Number(place) + 1}` }).waitFor();
  assert.deepEqual(
    await card.locator(".choices b").allTextContents(),
    choices.map(([text]) =>
      text === "" ? "end mark" : `\u201c${(text.trim() || text).replaceAll("\n", "\u21b5")}\u201d`,
    ),
  );
  assert.equal(await card.locator(".chart span").count(), trace.steps.length + 1);
  await picture(page, "token");
  await card.locator(".runs button").last().click();
  await page.waitForFunction(() => !document.querySelector(".step").textContent.includes("step 1 of"));
  await page.locator(".cells").focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: `Position ${Number(place) + 2}` }).waitFor();
  assert.equal(await page.locator(".cells").getAttribute("aria-activedescendant"), `position-${Number(place) + 1}`);
  await page.keyboard.press("Escape");
  assert.equal(await card.isVisible(), false);
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
    written.steps.map((one) => [one.text, one.alternatives ?? {}]),
    trace.steps.map((one) => [one.text.map((text) => text ?? ""), one.alternatives ?? {}]),
  );
  assert.equal(written.commits[0].text, commit.text);
  assert.equal(written.settings.seed, 1);
  await page.locator("input[type=file]").setInputFiles(path);
  await turn(1).waitFor();
  assert.equal(await answer(1), commit.text);
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
  await select(0, words);
  await page.getByText("Paint this again").waitFor();
  await picture(page, "selected words");
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
  assert.equal(body.max_tokens, commit.tokens);
});

await law("the same goes by keyboard alone; where the server cannot pin the words, it edits the text", async () => {
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
  assert.deepEqual(state.requests.at(-1).body, { text: commit.text, spans: [{ start: 0, stop: first.length }] });
  state.refusal = null;
});

await law("an answer can be stopped, and the server hears of it", async () => {
  state.paceMs = 2000;
  await ask("Another story, please.");
  await page.getByText("The canvas is being primed").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".turn")[2].dataset.state === "painting");
  await page.getByRole("button", { name: "Stop" }).click();
  await settled(2);
  assert.equal(await stateOf(2), "stopped");
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

await law("a race shows beside the canvas how the same weights write word after word", async () => {
  const rival = page.locator(".rival .canvas");
  await page.getByLabel("Race it against word after word").check();
  state.paceMs = 300;
  await ask("Race.");
  await page.waitForFunction(() => document.querySelector(".rival .canvas")?.textContent.length > 20);
  await picture(page, "race");
  state.paceMs = 10;
  await settled(4);
  assert.equal(await rival.textContent(), commit.text);
  assert.equal(await answer(4), commit.text);
  assert.ok(state.requests.some(({ body }) => body.diffusion?.mode === "autoregressive"));
  await page.getByLabel("Step of the generation").focus();
  await page.keyboard.press("Home");
  await page.waitForFunction(
    (whole) => document.querySelector(".rival .canvas").textContent.length < whole,
    commit.text.length,
  );
  await page.getByLabel("Race it against word after word").uncheck();
});

await law("a server that cannot write word after word is quoted, and the canvas is painted all the same", async () => {
  await page.getByLabel("Race it against word after word").check();
  state.refusal = { mode: "autoregressive", status: 400, message: "diffusion.mode is unknown" };
  await ask("Race again.");
  await turn(5).getByText("Word after word: diffusion.mode is unknown").waitFor();
  assert.equal(await answer(5), commit.text);
  assert.equal(await page.locator(".rival").isVisible(), false);
  await page.getByLabel("Race it against word after word").uncheck();
  state.refusal = null;
});

await law("a model that is left speechless by the conversation is asked the question by itself", async () => {
  state.isSpeechless = true;
  await ask("And now?");
  await turn(6).getByText("this question was asked alone").waitFor();
  assert.equal(await answer(6), commit.text);
  assert.deepEqual(state.requests.at(-1).body.messages, [{ role: "user", content: "And now?" }]);
  state.isSpeechless = false;
});

await law("a model that knows single questions says what it can do, and is asked each by itself", async () => {
  state.about = { description: "tells jokes", examples: ["A joke, please."], single_turn: true };
  const other = await (await openContext()).newPage();
  const hands = handsOn(other);
  await other.goto(server.url);
  await other.getByText("This model tells jokes. It answers each question by itself.").waitFor();
  await other.getByRole("button", { name: "A joke, please." }).click();
  await hands.settled(0);
  await hands.ask("And now?");
  await hands.settled(1);
  assert.deepEqual(state.requests.at(-1).body.messages, [{ role: "user", content: "And now?" }]);
  await other.getByText("Settings").click();
  assert.equal(await other.getByLabel("Steps", { exact: true }).inputValue(), "96");
  await other.getByLabel("Each question by itself").uncheck();
  await hands.ask("And now?");
  await hands.settled(2);
  assert.equal(state.requests.at(-1).body.messages.length, 5);
  await other.context().close();
  state.about = undefined;
});

await law("everything that the keyboard reaches has a name, and a slash goes to the question", async () => {
  const nameless = await page.locator(NAMED).evaluateAll((all) =>
    all
      .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.hidden))
      .map((one) => one.outerHTML),
  );
  assert.deepEqual(nameless, []);
  await page.locator(".cells").focus();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Your message");
});

await law("whoever wants less motion sees the example's end, and nothing moves", async () => {
  const calm = await (await openContext({ reducedMotion: "reduce" })).newPage();
  await calm.goto(server.url);
  await calm.getByText("committed after").waitFor();
  assert.equal(await calm.evaluate(() => document.getAnimations().length), 0);
  await calm.context().close();
});

await law("after a reload the conversation and its replays are still there", async () => {
  await page.waitForFunction(lastSavedState, "done");
  await page.reload();
  await turn(6).waitFor();
  await stepSays(/^Canvas 1, committed/);
  await turn(0).getByRole("button", { name: "Replay" }).click();
  assert.equal(await page.locator(".cells > [data-state=committed]").count(), commit.tokens);
});

await law("a phone has the canvas and the chat, and nothing sticks out", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await picture(page, "phone", true);
});

await law("a server that is gone is said to be", async () => {
  const complained = complaints.length;
  await server.close();
  await ask("Are you there?");
  await turn(7).getByText("The server is gone.").waitFor();
  await page.getByRole("alert").filter({ hasText: "The server is gone" }).waitFor();
  await page.close(); // or it goes on looking
  complaints.length = complained; // the browser logs every connection that was refused
});

if (process.argv[2]) {
  await law(
    "a replay in a file of its own plays, loads nothing, and runs nothing that stands in its text",
    async () => {
      const alone = await context.newPage();
      const asked = [];
      alone.on("request", (request) => asked.push(request.url()));
      await alone.goto(pathToFileURL(process.argv[2]).href);
      await alone.waitForFunction(() => document.querySelector(".step")?.textContent.startsWith("Canvas 1"));
      assert.equal(await alone.evaluate(() => "harm" in window), false);
      assert.equal(asked.length, 1);
      await picture(alone, "replay");
    },
  );
}

await close();
assert.deepEqual(
  complaints.filter((text) => !/429|400/.test(text)),
  [],
);
console.log("all laws hold");
