from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.errors import SettingError
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.filters import CanvasFilters, Filters
from gesso.sampling.named import RULES
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from tests.doubles import RestlessDenoiser

VOCAB, LENGTH, END = 20, 12, 1
CPU = torch.device("cpu")


def after(filters, *, prompt_ids=(2, 3), emitted=()):
    return CanvasFilters.after(
        filters, prompt_ids=prompt_ids, emitted=emitted, stop_ids=frozenset({END}), vocab_size=VOCAB, device=CPU
    )


def run(filters, *, seed=0, sampler=None, pins=None, emitted=()):
    return list(
        denoise_canvas(
            RestlessDenoiser(
                torch.randint(20, (1, LENGTH), generator=torch.Generator().manual_seed(seed)), vocab_size=20
            ),
            sampler or SamplerSettings(max_steps=5),
            [canvas_generator(seed, 0)],
            canvas_length=LENGTH,
            vocab_size=VOCAB,
            pins=pins,
            filters=None if filters is None else after(filters, emitted=emitted),
        )
    )


def kept(filters, logits):
    """The tokens that a position may sample, for each position."""
    return [set(row.nonzero().flatten().tolist()) for row in filters.truncate(logits)[0].isfinite()]


def drawn(seed, *shape):
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain_kept(filters, logits):
    """The definition, one position and one token after another."""
    sets = []
    for row in logits[0].double().softmax(-1).tolist():
        ranked = sorted(range(len(row)), key=lambda token, row=row: (-row[token], token))
        ranked = ranked[: filters.top_k or None]
        total, chosen, before = sum(row[token] for token in ranked), [], 0.0
        for token in ranked:
            if not chosen or before < filters.top_p * total:
                chosen.append(token)
            before += row[token]
        sets.append({token for token in chosen if row[token] >= filters.min_p * row[ranked[0]]})
    return sets


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 25), st.floats(0, 0.999), st.floats(0, 1))
def test_what_may_be_sampled_is_what_the_definition_says_and_never_nothing(seed, top_k, top_p, min_p):
    filters, logits = Filters(top_k=top_k, top_p=top_p, min_p=min_p), drawn(seed, 1, 4, VOCAB)
    found = kept(filters, logits)
    assert found == plain_kept(filters, logits)
    assert all(token in some for token, some in zip(logits[0].argmax(-1).tolist(), found, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["top_k", "top_p", "min_p"]), st.data())
def test_a_stricter_filter_leaves_a_part_of_what_a_laxer_one_leaves(seed, name, data):
    value = st.integers(1, VOCAB) if name == "top_k" else st.floats(0.01, 0.99)
    low, high = sorted([data.draw(value), data.draw(value)])
    few, many = (high, low) if name == "min_p" else (low, high)
    logits = drawn(seed, 1, 4, VOCAB)
    for some, more in zip(kept(Filters(**{name: few}), logits), kept(Filters(**{name: many}), logits), strict=True):
        assert some <= more


def test_of_equals_the_lesser_ids_stay():
    assert kept(Filters(top_k=2), torch.zeros(1, 1, VOCAB)) == [{0, 1}]


def test_filters_that_ask_for_nothing_change_nothing():
    filters, logits = Filters(), drawn(0, 1, 4, VOCAB)
    canvas = torch.zeros(1, 4, dtype=torch.int64)
    assert torch.equal(filters.truncate(logits), logits)
    assert torch.equal(after(filters).shift(logits, canvas, canvas == 0), logits)
    for one, other in zip(run(None), run(filters), strict=True):
        assert torch.equal(one.state.canvas, other.state.canvas)
        assert torch.equal(one.state.conditioning, other.state.conditioning)


@pytest.mark.parametrize("name", RULES)
def test_with_one_token_to_sample_a_canvas_is_the_greedy_one(name):
    given = SamplerSettings(max_steps=5)
    greedy = run(None, seed=3, sampler=given.with_overrides(sampler=name, temperature=0.0))
    single = run(Filters(top_k=1), seed=3, sampler=given.with_overrides(sampler=name, temperature=1.0))
    least = run(Filters(top_p=0.0), seed=3, sampler=given.with_overrides(sampler=name, temperature=1.0))
    for one, other, third in zip(greedy, single, least, strict=True):
        assert torch.equal(one.sampled, other.sampled)
        assert torch.equal(one.state.canvas, other.state.canvas)
        assert torch.equal(one.entropy, other.entropy)
        assert torch.equal(one.state.conditioning, third.state.conditioning)


def test_what_is_cut_away_makes_nobody_surer():
    one, other = run(None, seed=4)[0], run(Filters(top_k=2, min_p=0.3), seed=4)[0]
    assert torch.equal(one.entropy, other.entropy)
    assert torch.equal(one.state.draft, other.state.draft)
    assert not torch.equal(one.sampled, other.sampled)


def test_a_bias_bans_and_forces_tokens():
    tokens = {int(token) for seed in range(4) for step in run(None, seed=seed) for token in step.sampled.flatten()}
    assert 7 in tokens
    for seed in range(4):
        for step in run(Filters(bias=((7, -100.0),)), seed=seed):
            assert 7 not in step.sampled
            assert 7 not in step.state.draft
        for step in run(Filters(bias=((7, 100.0), (8, -3.0))), seed=seed):
            assert (step.sampled == 7).all()
            assert (step.state.draft == 7).all()


def test_penalties_count_what_was_emitted_and_what_stands_before_in_the_draft():
    rules = after(Filters(presence_penalty=1.0, frequency_penalty=0.5), emitted=(5, 5, 6))
    draft = torch.tensor([[6, 4, 4, 9]])
    shift = rules.shift(torch.zeros(1, 4, VOCAB), draft, torch.ones_like(draft, dtype=torch.bool))[0]
    assert shift[:, 5].tolist() == [-2.0] * 4
    assert shift[:, 6].tolist() == [-1.5, -2.0, -2.0, -2.0]
    assert shift[:, 4].tolist() == [0.0, 0.0, -1.5, -2.0]
    assert not shift[:, [0, 1, 2, 3, 9]].any()


def test_a_repeated_token_is_divided_wherever_it_stands_before_the_prompt_too():
    rules = after(Filters(repetition_penalty=2.0), prompt_ids=(2,), emitted=(5, 5))
    draft = torch.tensor([[6, 4]])
    logits = torch.full((1, 2, VOCAB), 4.0)
    logits[..., 5] = -4.0
    shifted = rules.shift(logits, draft, torch.ones_like(draft, dtype=torch.bool))[0]
    assert shifted[:, 2].tolist() == [2.0, 2.0]
    assert shifted[:, 5].tolist() == [-8.0, -8.0]
    assert shifted[:, 6].tolist() == [4.0, 2.0]
    assert shifted[:, 9].tolist() == [4.0, 4.0]


def test_neither_an_end_nor_what_stands_behind_it_counts():
    rules = after(Filters(presence_penalty=1.0, repetition_penalty=2.0), prompt_ids=(END,), emitted=())
    draft = torch.tensor([[4, END, 9, 9]])
    shift = rules.shift(torch.ones(1, 4, VOCAB), draft, torch.ones_like(draft, dtype=torch.bool))[0]
    assert shift[:, END].tolist() == shift[:, 9].tolist() == [1.0] * 4
    assert shift[1:, 4].tolist() == [-0.5] * 3


def test_noise_does_not_count_and_pins_do():
    pinned = torch.arange(LENGTH)[None] == 2
    first = run(Filters(presence_penalty=2.0), seed=5)[0]
    assert torch.equal(first.state.draft, run(None, seed=5)[0].state.draft)
    pins = Pins(mask=pinned, tokens=torch.full((1, LENGTH), 7))
    plain, shifted = (run(filters, seed=5, pins=pins)[0] for filters in (None, Filters(presence_penalty=2.0)))
    assert torch.equal(plain.entropy[0, :3], shifted.entropy[0, :3])
    assert not torch.isclose(plain.entropy[0, 3:], shifted.entropy[0, 3:]).any()
    assert (shifted.state.draft[pinned] == 7).all()


def test_a_pin_stands_even_if_its_token_is_banned():
    pins = Pins(mask=torch.arange(LENGTH)[None] == 2, tokens=torch.full((1, LENGTH), 7))
    for step in run(Filters(bias=((7, -100.0),), top_k=1), pins=pins):
        assert step.state.draft[0].tolist().count(7) == step.sampled[0].tolist().count(7) == 1


def test_a_frequency_penalty_makes_a_canvas_repeat_itself_less():
    def repeats(filters):
        drafts = [run(filters, seed=seed, emitted=(4, 4, 9))[-1].state.draft[0].tolist() for seed in range(12)]
        return sum(LENGTH - len(set(draft) - {4, 9}) for draft in drafts)

    none, some, many = (repeats(Filters(frequency_penalty=value)) for value in (0.0, 0.7, 2.0))
    assert none > some > many


def test_a_text_that_has_grown_is_one_that_was_that_long():
    grown, whole = after(Filters(), emitted=(5,)).grown([6, END, 5]), after(Filters(), emitted=(5, 6, END, 5))
    assert torch.equal(grown.counts, whole.counts)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"top_k": -1}, "top_k is -1; give 1 or more, or 0 for all"),
        ({"top_p": 1.1}, "top_p is 1.1; give a probability from 0 to 1"),
        ({"min_p": -0.1}, "min_p is -0.1"),
        ({"min_p": float("nan")}, "min_p is nan"),
        ({"bias": ((5, 101.0),)}, "logit_bias of token 5 is 101; give a number from -100 to 100"),
        ({"bias": ((5, float("nan")),)}, "token 5 is nan"),
        ({"bias": ((5, 1.0), (5, 2.0))}, "logit_bias names a token twice"),
        ({"presence_penalty": 2.5}, "presence_penalty is 2.5; give a number from -2 to 2"),
        ({"frequency_penalty": -3.0}, "frequency_penalty is -3"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0; give a number above 0"),
        ({"repetition_penalty": float("inf")}, "repetition_penalty is inf"),
    ],
)
def test_what_makes_no_sense_is_refused_with_value_and_remedy(values, words):
    with pytest.raises(SettingError, match=words):
        replace(Filters(), **values)
