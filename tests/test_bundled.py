"""The model that comes with the package: it loads anywhere, agrees with the reference, and writes."""

import random

import pytest
import torch

import gesso
from gesso.checkpoint.hub import resolve
from gesso.worlds.beats import split_sentences
from gesso.worlds.check import check_story
from gesso.worlds.patterns import read_sentence
from gesso.worlds.tasks import infill_case

MAX_PACKAGE_BYTES = 30_000_000


@pytest.fixture(scope="module")
def lm() -> gesso.LanguageModel:
    return gesso.load()


def test_the_package_stays_small():
    size = sum(file.stat().st_size for file in resolve(None).rglob("*") if file.is_file())
    assert size < MAX_PACKAGE_BYTES


def test_it_comes_with_a_card():
    card = (resolve(None) / "MODEL_CARD.md").read_text()
    for heading in ("Data", "Recipe", "Figures", "Limits"):
        assert f"## {heading}" in card


def test_transformers_loads_it_whole_and_gives_the_same_logits():
    from transformers import DiffusionGemmaForBlockDiffusion, DynamicCache

    reference, loading = DiffusionGemmaForBlockDiffusion.from_pretrained(
        resolve(None), dtype=torch.float32, output_loading_info=True
    )
    assert not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    net = gesso.load_network(None, dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    vocab_size, length = net.config.vocab_size, net.config.canvas_length
    prompt = torch.randint(vocab_size, (1, 40), generator=generator)
    canvas = torch.randint(vocab_size, (1, length), generator=generator)
    last = 4 * torch.randn(1, length, vocab_size, generator=generator)
    cache = net.new_cache(batch=1, max_len=40)
    with torch.no_grad():
        theirs = reference.eval()(
            input_ids=prompt,
            past_key_values=DynamicCache(config=reference.config.text_config),
            decoder_input_ids=canvas,
            self_conditioning_logits=last,
        )
        net.encode(prompt, cache)
        ours = net.denoise(canvas, cache, net.soft_embed(last))
    assert (theirs.logits - ours).abs().max() < 1e-4


def test_transformers_reads_the_same_tokens_and_the_same_conversation(lm):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(resolve(None))
    text = 'Once upon a time, there was a little fox. "Hello!" it said 12 times.'
    assert theirs(text)["input_ids"] == lm.tokenizer.encode(text, add_bos=True)
    turns = [{"role": "user", "content": "Write a story about a fox."}]
    rendered = theirs.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert rendered == lm.template.render([gesso.Message(role="user", content=turns[0]["content"])])


def test_a_seed_repeats_to_the_token_and_another_differs(lm):
    first = lm.generate("Once upon a time", seed=3)
    assert first.token_ids == lm.generate("Once upon a time", seed=3).token_ids
    assert first.token_ids != lm.generate("Once upon a time", seed=4).token_ids


def test_its_sentences_are_without_a_fault_and_some_of_its_stories(lm):
    told = ["Once upon a time" + lm.generate("Once upon a time", seed=seed).text for seed in range(8)]
    sentences = [sentence for text in told for sentence in split_sentences(text)]
    assert sum(bool(read_sentence(sentence)) for sentence in sentences) >= 0.95 * len(sentences)
    assert len(set(told)) == 8
    assert sum(check_story(text).ok for text in told) >= 2, told


def test_it_keeps_to_what_was_asked_for(lm):
    request = [{"role": "user", "content": "Write a story about a girl named Mia and a red kite."}]
    told = [lm.generate(request, seed=seed).text for seed in range(4)]
    assert sum("Mia" in text for text in told) >= 3, told


def test_it_fills_in_what_is_missing(lm):
    cases = [infill_case(random.Random(seed)) for seed in (1, 3)]
    filled = [lm.infill(prefix, suffix, seed=0, max_hole_tokens=16).text.strip() for prefix, _, suffix, _ in cases]
    assert any(read_sentence(text) for text in filled), filled
