// Records the example of the first visit and its picture: `node record_example.mjs URL [SEED]`. URL is a server that
// writes with the bundled model, on a machine that does nothing else: what is shown are its seconds.

import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { handsOn, openBrowser } from "./browser.mjs";
import { startServer } from "./fake_server.mjs";

const QUESTION = "Write a story about a little fox who makes a friend.";
const SHOWN = /^Canvas 1, step 4/; // half in focus
const here = dirname(fileURLToPath(import.meta.url));
const [, , url, seed = "13"] = process.argv;
const { openContext, close } = await openBrowser();

const page = await (await openContext()).newPage();
const { ask, answer, settled } = handsOn(page);
await page.goto(url);
await page.getByText("Settings").click();
await page.getByLabel("Seed").fill(seed);
await page.getByLabel("Race it against word after word").check();
await ask(QUESTION);
await settled(0);
const saving = page.waitForEvent("download");
await page.getByRole("button", { name: "Save trace" }).click();
await (await saving).saveAs(join(here, "example.json"));
console.log(await answer(0)); // whoever records it reads it

execFileSync("node", [join(here, "build.mjs")]);
const server = await startServer();
const visit = await (await openContext()).newPage();
await visit.goto(server.url);
await handsOn(visit).stepSays(SHOWN);
await visit.getByRole("button", { name: "Pause" }).click();
const picture = await visit.screenshot({ type: "jpeg", quality: 85, animations: "disabled" });
await writeFile(join(here, "../docs/pictures/page.jpg"), picture);
await server.close();
await close();
