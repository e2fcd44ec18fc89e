// Drives the page with a server that writes with a real model: `node real_test.mjs URL`.

import assert from "node:assert/strict";
import { handsOn, lastSavedState, law, openBrowser, picture } from "./browser.mjs";

const STEPS = 12; // few: what is written need not be good
const [, , url] = process.argv;
const { openContext, complaints, close } = await openBrowser();
const page = await (await openContext()).newPage();
const { ask, answer, select, settled, stateOf, stepSays, turn } = handsOn(page);

await law("the page finds its server", async () => {
  await page.goto(url);
  await page.getByText("Example").waitFor();
  await page.waitForFunction(() => !/connecting|no server/.test(document.querySelector(".model").textContent));
});

await law("a question is answered, and the canvas changes while it is", async () => {
  await page.getByText("Settings").click();
  await page.getByLabel("Seed").fill("1");
  const steps = page.getByLabel("Steps", { exact: true });
  await steps.fill(String(STEPS));
  await page.getByLabel("Each question by itself").check(); // the bundled model knows single questions best
  await ask("Write a story about a fox who makes a friend.");
  await stepSays(/^Canvas 1, step \d+ of at most 12/);
  await page.waitForFunction(() => document.querySelectorAll(".bars span").length > 3);
  await picture(page, "real painting");
  await settled(0);
  assert.equal(await stateOf(0), "done");
  assert.ok((await answer(0)).split(" ").length > 20);
  assert.equal((await page.locator(".cells > [data-state=committed]").count()) > 20, true);
});

await law("every step was told, and can be looked at again", async () => {
  await page.getByLabel("Step of the generation").focus();
  await page.keyboard.press("Home");
  await stepSays(/step 1 of at most 12/);
  await page.keyboard.press("ArrowRight");
  await stepSays(/step 2 of at most 12/);
});

await law("a token has alternatives, likeliest first", async () => {
  await page.keyboard.press("Home");
  await page.locator(".cells").focus();
  for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
  const shares = await page.locator(".choices li").evaluateAll((all) => all.map((one) => parseInt(one.lastChild.data)));
  assert.ok(shares.length >= 2 && shares.length <= 5, `${shares}`);
  assert.deepEqual(shares, shares.toSorted((a, b) => b - a));
  await picture(page, "real token");
  await page.keyboard.press("Escape");
});

await law("words that are selected are painted again, and the others stay", async () => {
  const before = await answer(0);
  const words = before.split(" ").slice(8, 11).join(" ");
  const [head, tail] = [before.slice(0, before.indexOf(words)), before.slice(before.indexOf(words) + words.length)];
  await page.getByLabel("Seed").fill("5");
  await select(0, words);
  await picture(page, "real selection");
  await page.getByText("Paint this again").click();
  await page.waitForFunction(() => document.querySelector(".turn").dataset.state !== "done");
  await settled(0);
  assert.equal(await stateOf(0), "done");
  const after = await answer(0);
  assert.ok(after.startsWith(head.trimEnd()), after);
  assert.ok(after.endsWith(tail.trimStart()), after);
});

await law("an answer is stopped", async () => {
  await ask("Write a story about a lost toy.");
  await stepSays(/step 1 of at most 12/);
  await page.getByRole("button", { name: "Stop" }).click();
  await settled(1);
  assert.equal(await stateOf(1), "stopped");
});

await law("the same weights write word after word beside the canvas", async () => {
  await page.getByLabel("Race it against word after word").check();
  await ask("Write a story about a brave little boat.");
  await settled(2);
  assert.equal(await stateOf(2), "done");
  assert.equal(await turn(2).locator(".note").textContent(), "");
  assert.ok((await page.locator(".rival .canvas").textContent()).split(" ").length > 20);
  await picture(page, "real race");
});

await law("after a reload the conversation is still there", async () => {
  await page.waitForFunction(lastSavedState, "done");
  const written = await answer(2);
  await page.reload();
  await turn(2).waitFor();
  assert.equal(await answer(2), written);
  await stepSays(/committed after/);
});

await close();
assert.deepEqual(complaints, []);
console.log("all laws hold");
