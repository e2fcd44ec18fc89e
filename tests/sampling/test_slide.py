import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.errors import SettingError
from gesso.sampling.denoise import first_state, next_step, slid_state, steps_from
from gesso.sampling.draws import canvas_generator, draw_canvas
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.slide import SettledFront
from gesso.sampling.stop import NeverStop
from tests.doubles import OracleDenoiser, RestlessDenoiser

LENGTH, VOCAB = 10, 20
CPU = torch.device("cpu")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    rows=st.lists(
        st.lists(st.tuples(st.integers(1, 4), st.floats(0, 0.2)), min_size=6, max_size=6), min_size=1, max_size=3
    ),
    min_tokens=st.integers(1, 6),
    stability=st.integers(0, 3),
)
def test_the_front_ends_before_the_first_position_that_moved_or_is_in_doubt(rows, min_tokens, stability):
    rule = SettledFront(min_tokens=min_tokens, stability_steps=stability, confidence_nats=0.1)
    held = torch.tensor([[count for count, _ in row] for row in rows])
    entropy = torch.tensor([[nats for _, nats in row] for row in rows], dtype=torch.float64)
    for row, count in zip(rows, rule.num_settled(held, entropy).tolist(), strict=True):
        open_at = [i for i, (steps, nats) in enumerate(row) if steps <= stability or nats >= 0.1]
        front = min(open_at, default=len(row))
        assert count == (front if front >= min_tokens else 0)


def after_steps(network, count, **options):
    sampler = SamplerSettings(max_steps=9, stop=NeverStop(), slide=SettledFront(min_tokens=2))
    generators = [canvas_generator(3, row) for row in range(2)]
    state = first_state(sampler, generators, canvas_length=LENGTH, vocab_size=VOCAB, **options)
    for _ in range(count):
        result = next_step(state, network, sampler, generators, VOCAB)
        state = result.state
    return result, sampler, generators


def restless():
    return RestlessDenoiser(torch.arange(LENGTH).expand(2, -1), vocab_size=VOCAB)


def test_a_step_counts_how_long_each_draft_has_been_held():
    sampler = SamplerSettings(max_steps=9, stop=NeverStop())
    generators = [canvas_generator(3, row) for row in range(2)]
    state = first_state(sampler, generators, canvas_length=LENGTH, vocab_size=VOCAB)
    assert state.held.tolist() == [[0] * LENGTH] * 2
    drafts = []
    for result in steps_from(state, restless(), sampler, generators, VOCAB):
        drafts.append(result.state.draft)
        for row in range(2):
            for position in range(LENGTH):
                earlier = [bool(draft[row, position] == drafts[-1][row, position]) for draft in reversed(drafts)]
                assert result.state.held[row, position] == [*earlier, False].index(False)
    assert result.settled is None


def test_settings_that_let_canvases_slide_have_every_step_say_what_is_settled():
    network = OracleDenoiser(torch.arange(LENGTH).expand(2, -1), vocab_size=VOCAB)
    first, _, _ = after_steps(network, 1)
    second, _, _ = after_steps(network, 2)
    assert first.settled.tolist() == [0, 0]
    assert second.settled.tolist() == [LENGTH, LENGTH]


@pytest.mark.parametrize("count", [1, 4, LENGTH])
def test_what_is_behind_the_front_moves_to_the_front_and_noise_comes_in(count):
    result, sampler, generators = after_steps(restless(), 3)
    old = result.state
    twins = [torch.Generator().set_state(generator.get_state()) for generator in generators]
    new = slid_state(old, count, sampler, generators, vocab_size=VOCAB)
    noise = draw_canvas(twins, canvas_length=LENGTH, vocab_size=VOCAB, device=CPU)
    assert new.canvas.tolist() == torch.cat([old.canvas[:, count:], noise[:, LENGTH - count :]], 1).tolist()
    assert new.draft[:, : LENGTH - count].equal(old.draft[:, count:])
    assert new.conditioning[:, : LENGTH - count].equal(old.conditioning[:, count:])
    assert not new.conditioning[:, LENGTH - count :].any()
    assert new.held[:, : LENGTH - count].equal(old.held[:, count:])
    assert not new.held[:, LENGTH - count :].any()
    assert (new.step, new.steps_used.tolist(), new.finished.any().item()) == (0, [0, 0], False)


def test_given_canvases_come_in_instead_of_noise_and_pins_are_put_in_their_places():
    result, sampler, generators = after_steps(restless(), 2)
    fresh = torch.full((2, LENGTH), 7)
    mask = torch.zeros(2, LENGTH, dtype=torch.bool)
    mask[:, [0, 9]] = True
    pins = Pins(mask=mask, tokens=torch.full((2, LENGTH), 13))
    before = [generator.get_state() for generator in generators]
    new = slid_state(result.state, 3, sampler, generators, vocab_size=VOCAB, fresh=fresh, pins=pins)
    assert new.canvas[:, [7, 8]].tolist() == [[7, 7]] * 2
    assert new.canvas[:, [0, 9]].tolist() == [[13, 13]] * 2
    assert all(one.get_state().equal(other) for one, other in zip(generators, before, strict=True))


def test_a_slide_of_the_sampler_is_read_and_written_by_its_length():
    sampler = SamplerSettings().with_overrides(slide=48)
    assert sampler.slide == SettledFront(min_tokens=48)
    assert sampler.to_generation_config()["slide"] == 48
    assert SamplerSettings.from_generation_config(sampler.to_generation_config()) == sampler
    assert sampler.with_overrides(slide=0) == SamplerSettings()
    assert sampler.with_overrides(sampler="reference") == SamplerSettings()
    with pytest.raises(SettingError, match="can hold only"):
        SamplerSettings(slide=SettledFront(confidence_nats=1.0)).to_generation_config()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"min_tokens": 0}, "a slide of 0 tokens is asked for; give at least 1"),
        ({"stability_steps": -1}, "stability of a slide is -1 steps"),
        ({"confidence_nats": 0.0}, "confidence of a slide is 0 nats"),
    ],
)
def test_slides_that_cannot_be_are_refused(values, words):
    with pytest.raises(SettingError, match=words):
        SettledFront(**values)


@pytest.mark.parametrize("name", ["top-k", "posterior", "gibbs"])
def test_samplers_that_count_their_steps_do_not_slide(name):
    with pytest.raises(SettingError, match=f"the sampler {name} goes by how many steps .* give slide 0"):
        SamplerSettings().with_overrides(sampler=name, slide=32)
    assert SamplerSettings().with_overrides(sampler="rising-bound", slide=32).slide is not None
