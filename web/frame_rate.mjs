// How smoothly the page redraws while drafts come ten times a second: `node frame_rate.mjs`.
// A machine that does other things as well gives fewer frames; what a frame costs the processor is told, too.

import { handsOn, openBrowser } from "./browser.mjs";
import { startServer } from "./fake_server.mjs";

const DRAFTS_PER_SECOND = 10;

const server = await startServer();
const { openContext, close } = await openBrowser();
const page = await (await openContext()).newPage();
await page.goto(server.url);
const { ask, settled } = handsOn(page);
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable", { timeDomain: "threadTicks" });
const busySeconds = async () =>
  (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;

for (const race of [false, true]) {
  await page.getByLabel("Race it against word after word").setChecked(race);
  await page.evaluate(() => {
    window.frames = [];
    const look = (now) => {
      window.frames.push(now);
      requestAnimationFrame(look);
    };
    if (!window.isLooking) requestAnimationFrame(look);
    window.isLooking = true;
  });
  server.state.paceMs = 1000 / DRAFTS_PER_SECOND;
  const busyBefore = await busySeconds();
  await ask("How smooth is it?");
  await settled(race ? 1 : 0);
  const busy = (await busySeconds()) - busyBefore;
  const frames = await page.evaluate(() => window.frames);
  const gaps = frames.slice(1).map((now, index) => now - frames[index]);
  const ordered = gaps.toSorted((a, b) => a - b);
  const at = (share) => ordered[Math.floor(share * (ordered.length - 1))].toFixed(1);
  const seconds = (frames.at(-1) - frames[0]) / 1000;
  const result = {
    what: race ? "a race" : "a canvas",
    "frames per second": Number((gaps.length / seconds).toFixed(1)),
    "median gap, ms": Number(at(0.5)),
    "95th percentile, ms": Number(at(0.95)),
    "processor, ms per frame": Number(((1000 * busy) / gaps.length).toFixed(2)),
  };
  console.log(JSON.stringify(result));
}
await close();
await server.close();
