// A headless Chromium that tests and measurements drive the page with. CHROMIUM names the program; PICTURES=1 leaves
// what was seen in pictures/.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const pictures = join(dirname(fileURLToPath(import.meta.url)), "pictures");

const PATIENCE_MS = 300_000; // of a machine that does other things as well
const QUIET = [
  "no-sandbox",
  "disable-gpu",
  "disable-quic",
  "no-first-run",
  "disable-background-networking",
  "disable-component-update",
  "disable-sync",
];

/** Open a browser; `complaints` holds every error and dialog of its pages. */
export async function openBrowser(options = {}) {
  await mkdir(pictures, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: QUIET.map((name) => `--${name}`),
    timeout: PATIENCE_MS,
  });
  const complaints = [];
  const openContext = async (more = {}) => {
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options, ...more });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("page", (page) => {
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    });
    return context;
  };
  return { openContext, complaints, close: () => browser.close() };
}

const began = Date.now();

/** Check one law, and say that it holds. */
export async function law(name, check) {
  await check();
  console.log(`ok ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${name}`);
}

export async function picture(page, name, fullPage = false) {
  if (process.env.PICTURES) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage });
}

/** Wait for something that the page does not show. */
export async function until(holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${holds}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** What one does on a page. */
export function handsOn(page) {
  const turn = (number) => page.locator(".turn").nth(number);
  return {
    turn,
    answer: (number) => turn(number).locator("p.answer").textContent(),
    stateOf: (number) => turn(number).getAttribute("data-state"),
    async ask(question) {
      await page.getByLabel("Your message").fill(question);
      await page.getByLabel("Your message").press("Enter");
    },
    /** Until a turn has come to its end, whatever that is. */
    settled: (number) =>
      page.waitForFunction(
        (n) => ["done", "stopped", "failed"].includes(document.querySelectorAll(".turn")[n]?.dataset.state),
        number,
      ),
    stepSays: (pattern) =>
      page.waitForFunction(
        (source) => new RegExp(source).test(document.querySelector(".step").textContent),
        pattern.source,
      ),
    /** Select words of an answer as a mouse does. */
    select: (number, words) =>
      page.evaluate(
        ([n, chosen]) => {
          const text = document.querySelectorAll(".turn p.answer")[n].firstChild;
          const start = text.data.indexOf(chosen);
          getSelection().setBaseAndExtent(text, start, text, start + chosen.length);
        },
        [number, words],
      ),
  };
}

/** In the page: whether the last turn is kept with this state. */
export const lastSavedState = (state) =>
  new Promise((resolve) => {
    const opening = indexedDB.open("gesso");
    opening.onsuccess = () => {
      const reading = opening.result.transaction("gesso").objectStore("gesso").get("turns");
      reading.onsuccess = () => resolve(reading.result?.at(-1).state === state);
    };
  });
