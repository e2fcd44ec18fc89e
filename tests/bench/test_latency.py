import itertools

from gesso.bench.latency import measure_latency, time_text
from tests.bench.measured import measured

MODES = ("diffusion", "verified", "autoregressive")


def ticking():
    """A clock that advances by a second whenever somebody looks."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def test_times_are_those_of_the_events(lm):
    timing = time_text(
        lm, "Once", clock=ticking(), seed=0, mode="diffusion", steps=2, max_new_tokens=24, confidence=1e-30
    )
    assert timing.text.steps == [2, 2]
    assert timing.first_draft_s == 1
    assert timing.first_canvas_s == 3, "a look at each event: two steps and the canvas"
    assert timing.total_s == 8, "six events, the end, and the look behind it"
    assert timing.tokens_per_s == len(timing.text.token_ids) / 8
    assert timing.peak_bytes > 0


def test_every_mode_has_a_row_over_all_its_repeats(lm):
    events, rows = measured(measure_latency(lm, "Once", MODES, repeats=2, seed=3, steps=2, max_new_tokens=8))
    assert (events[-1].done, events[-1].total) == (9, 9)
    assert [row["mode"] for row in rows] == list(MODES)
    for row in rows:
        text = lm.generate("Once", mode=row["mode"], seed=3, steps=2, max_new_tokens=8)
        assert (row["tokens"], row["steps"]) == (len(text.token_ids), sum(text.steps))
        assert row["total_s"].count == 2
        assert row["first_draft_s"].least <= row["first_canvas_s"].least <= row["total_s"].least


def test_an_earlier_text_is_of_no_use_to_the_next(lm):
    prompt = "Once upon a time there was a small fox who had a red kite and a blue boat. " * 2
    before = lm.engine.prefix_cache
    time_text(lm, prompt, seed=0, steps=1, max_new_tokens=8)
    assert lm.engine.prefix_cache == before
