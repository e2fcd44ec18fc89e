import math
from dataclasses import replace

import pytest

from gesso.errors import GenerationError
from gesso.evals.samples import FreeSamples
from gesso.evals.texts import held_out_stories
from tests.evals.doubles import report_of, sample_of, writer

STORY = "The fox had a red kite. The fox had a red boat. The fox was happy."


def stories(rng, count):
    return [f"The fox had a {rng.choice(['red', 'blue'])} {rng.choice(['kite', 'boat'])}." for _ in range(count)]


def test_a_model_that_repeats_itself_shows_it_beside_its_perplexity(lm):
    measure = FreeSamples(texts=stories, references=lambda: ["Once the fox had a red kite."])
    report, _ = report_of(measure, writer(lm, lambda text: STORY, 64), sample_of(3, (0, 1)))
    figures = report.points[0].figures
    tokens = lm.tokenizer.encode(STORY)
    # The stand-in's left-to-right mode finds all 4096 tokens equally likely.
    assert figures["perplexity"].value == pytest.approx(4096, rel=1e-4)
    assert figures["nats_per_token"].value == pytest.approx(math.log(4096), rel=1e-5)
    assert figures["bits_per_byte"].value == pytest.approx(12 * (len(tokens) + 1) / len(STORY), rel=1e-5)
    assert figures["longest_copy"].value == 5
    assert figures["distinct_3"].value < 1 / 3
    assert figures["token_entropy"].value < math.log(len(tokens))
    assert figures["energy_distance"].value > figures["energy_floor"].value
    assert (figures["empty"].value, figures["steps"].value) == (0, 2)
    assert (figures["perplexity"].count, figures["distinct_3"].count) == (6, 2)
    assert report.example == STORY


def test_texts_are_written_in_the_mode_that_is_asked_for_and_else_in_the_models_own(lm):
    measure = FreeSamples(texts=stories, references=list)
    lm = writer(lm, lambda text: STORY, 64)
    left_to_right = replace(lm, mode="autoregressive")
    steps = {}
    for name, model, mode in (
        ("own", left_to_right, None),
        ("asked", lm, "autoregressive"),
        ("other", left_to_right, "diffusion"),
    ):
        report, _ = report_of(measure, model, replace(sample_of(2), mode=mode))
        steps[name] = report.points[0].figures["steps"].value
    # Left to right a step is a token.
    assert steps["own"] == steps["asked"] > lm.sampler.max_steps >= steps["other"]


def test_a_judge_reads_by_its_own_tokens(lm):
    report, _ = report_of(
        FreeSamples(judge=lm, texts=stories, references=list), writer(lm, lambda text: STORY, 64), sample_of(1)
    )
    assert report.points[0].figures["perplexity"].value != pytest.approx(4096, rel=0.01)


def test_texts_that_came_out_empty_are_counted_and_have_no_perplexity(lm):
    measure = FreeSamples(texts=stories, references=list)
    with pytest.raises(GenerationError, match="every text came out empty"):
        report_of(measure, writer(lm, lambda text: "", 64), sample_of(2))


def test_held_out_stories_are_what_samples_are_compared_with_unless_told():
    assert FreeSamples().texts is held_out_stories
