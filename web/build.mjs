// Builds the page into src/gesso/server/page/, or into the folder that is named: `node build.mjs [FOLDER]`.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "../src/gesso/server/page");

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    absWorkingDir: here,
  });
  return outputFiles[0].text.trim();
}

const hash = (text) => createHash("sha256").update(text).digest("base64");

const FIRST_STEPS = 8; // in which most happens
const STRIDE = 3; // of the later steps, or more where they are many
const LATER_STEPS = 7;
const MOST_CHOICES = 3;

/** The example of the first visit: a trace without some of its later steps, and with fewer digits and choices. */
function thinned(trace) {
  const last = trace.steps.length - 1;
  const stride = Math.max(STRIDE, Math.ceil((last - FIRST_STEPS) / LATER_STEPS));
  const kept = trace.steps.filter((_, index) => index < FIRST_STEPS || (last - index) % stride === 0);
  const fewer = (choices) => choices.slice(0, MOST_CHOICES).map(([text, share]) => [text, Number(share.toFixed(2))]);
  const lighter = kept.map((step) => ({
    ...step,
    entropy: step.entropy.map((nats) => Number(nats.toFixed(1))),
    alternatives: Object.fromEntries(Object.entries(step.alternatives ?? {}).map(([place, all]) => [place, fewer(all)])),
  }));
  return { ...trace, steps: lighter };
}

await mkdir(target, { recursive: true });
const [page, replay, style] = await Promise.all([bundle("page.ts"), bundle("replay.ts"), bundle("style.css")]);
const template = await readFile(join(here, "replay.html"), "utf8");
const parts = { STYLE_HASH: hash(style), SCRIPT_HASH: hash(replay), STYLE: style, SCRIPT: replay };
// One pass, so that nothing inside a part is taken for the name of another. TRACE stays: the command puts it in.
const alone = template.replace(/STYLE_HASH|SCRIPT_HASH|STYLE|SCRIPT/g, (name) => parts[name]);
const example = thinned(JSON.parse(await readFile(join(here, "example.json"), "utf8")));
await Promise.all([
  writeFile(join(target, "page.js"), `${page}\n`),
  writeFile(join(target, "page.css"), `${style}\n`),
  writeFile(join(target, "replay.html"), alone),
  writeFile(join(target, "example.json"), `${JSON.stringify(example)}\n`),
  copyFile(join(here, "index.html"), join(target, "index.html")),
  copyFile(join(here, "icon.svg"), join(target, "icon.svg")),
]);
