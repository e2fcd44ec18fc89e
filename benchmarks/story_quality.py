"""How well the bundled model writes, judged by the checker of its world: stories asked for, begun, and mended.

    python benchmarks/story_quality.py --items 200 --steps 48 --output benchmarks/results/story_quality.json

Every request is of the held-out world: names, things and plots that training never saw together. Canvases are denoised
in batches by the plain sampler.
"""

import argparse
import json
import math
import random
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import torch
from record import write_record

import gesso
from gesso.engine.reference import CachedDenoiser, cut_at_stop
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.settings import SamplerSettings
from gesso.text.chat import Message
from gesso.worlds.beats import split_sentences
from gesso.worlds.check import check_story
from gesso.worlds.patterns import read_sentence
from gesso.worlds.tasks import infill_case, write_document

BATCH = 16


def write_one_canvas(
    lm: gesso.LanguageModel, prompts: list[list[int]], sampler: SamplerSettings, seed: int
) -> Iterator[tuple[str, int, bool]]:
    """Text, steps and convergence of one canvas after each prompt."""
    net = lm.network
    for first in range(0, len(prompts), BATCH):
        rows = prompts[first : first + BATCH]
        lengths = [len(row) for row in rows]
        padded = torch.tensor([row + [lm.tokenizer.pad_id] * (max(lengths) - len(row)) for row in rows])
        cache = net.new_cache(batch=len(rows), max_len=max(lengths))
        with torch.no_grad():
            net.encode(padded, cache, lengths=lengths)
        results = denoise_canvas(
            CachedDenoiser(net, cache),
            sampler,
            [canvas_generator(seed, first + i) for i in range(len(rows))],
            canvas_length=net.config.canvas_length,
            vocab_size=net.config.vocab_size,
        )
        last = deque(results, maxlen=1).pop()
        for row in range(len(rows)):
            tokens, _ = cut_at_stop(last.state.draft[row].tolist(), lm.stop_ids, net.config.canvas_length)
            yield lm.tokenizer.decode(tokens), int(last.state.steps_used[row]), bool(last.state.finished[row])


def rate(successes: list[bool]) -> dict[str, float]:
    """Share of successes with its standard error."""
    share = sum(successes) / len(successes)
    return {"rate": round(share, 4), "standard_error": round(math.sqrt(share * (1 - share) / len(successes)), 4)}


def judge(texts: list[str]) -> dict[str, object]:
    """The checker's verdicts: the share of sentences that can be read, and of stories without a fault."""
    reports = [check_story(text) for text in texts]
    sentences = [sentence for text in texts for sentence in split_sentences(text)]
    return (
        {"sentences": rate([bool(read_sentence(sentence)) for sentence in sentences])}
        | {
            name: rate([getattr(report, name) for report in reports])
            for name in ("ok", "grammatical", "complete", "consistent")
        }
        | {"distinct": len(set(texts)) / len(texts)}
    )


def stories(lm: gesso.LanguageModel, sampler: SamplerSettings, items: int, seed: int, kind: str) -> dict[str, object]:
    """Whole stories: asked for in a chat, or begun by the first words of a held-out one."""
    rng = random.Random(seed)
    prompts, beginnings = [], []
    while len(prompts) < items:
        document = write_document(rng, split="held_out")
        if document.kind != kind or (kind == "request" and not document.chat):
            continue
        if document.chat:
            prompts.append(lm.template.encode([Message(role="user", content=document.prompt)]))
            beginnings.append("")
        else:
            prompts.append(lm.tokenizer.encode(document.prompt, add_bos=True))
            beginnings.append(document.prompt)
    written = list(write_one_canvas(lm, prompts, sampler, seed))
    texts = [beginning + text for beginning, (text, _, _) in zip(beginnings, written, strict=True)]
    return judge(texts) | {
        "mean_steps": sum(steps for _, steps, _ in written) / items,
        "converged": rate([converged for _, _, converged in written]),
        "sample": texts[0],
    }


def infills(lm: gesso.LanguageModel, items: int, seed: int) -> dict[str, object]:
    """A sentence taken out of a held-out story and written anew between its neighbours."""
    rng = random.Random(seed)
    good, same, sample = [], [], ""
    for _ in range(items):
        prefix, hole, suffix, _ = infill_case(rng, "held_out")
        filled = lm.infill(prefix, suffix, seed=seed)
        good.append(check_story(prefix + filled.text + suffix).ok)
        same.append(filled.text == hole)
        sample = sample or f"{prefix} [{filled.text.strip()}]{suffix}"
    return {"ok": rate(good), "same_sentence": rate(same), "sample": sample}


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="folder or name; the bundled model by default")
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--infill-items", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="most steps of a canvas; the model's own by default")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--entropy-bound", type=float)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    started = time.perf_counter()
    lm = gesso.load(args.model)
    sampler = lm.sampler.with_overrides(
        steps=args.steps, temperature=args.temperature, entropy_bound=args.entropy_bound
    )
    results: dict[str, object] = {}
    for kind in ("request", "continuation"):
        results[kind] = stories(lm, sampler, args.items, args.seed, kind)
        print(kind, json.dumps(results[kind], indent=2), flush=True)
    if args.infill_items:
        results["infill"] = infills(lm, args.infill_items, args.seed)
        print("infill", json.dumps(results["infill"], indent=2))
    if args.output:
        settings = {key: value for key, value in vars(args).items() if key != "output"} | {"sampler": str(sampler)}
        write_record(args.output, settings, results | {"seconds": round(time.perf_counter() - started, 1)})


if __name__ == "__main__":
    main()
