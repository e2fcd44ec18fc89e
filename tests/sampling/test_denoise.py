import math

import pytest
import torch

from gesso.errors import GenerationError, InputError
from gesso.sampling.denoise import denoise_canvas, first_state, next_step
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop
from tests.doubles import BrokenDenoiser, OracleDenoiser, RestlessDenoiser

SIZES = {"canvas_length": 16, "vocab_size": 40}


def target(batch=3, seed=0):
    return torch.randint(40, (batch, 16), generator=torch.Generator().manual_seed(seed))


def run(network, *, settings=None, seeds=(1, 2, 3), **options):
    settings = SamplerSettings() if settings is None else settings
    generators = [canvas_generator(seed, 0) for seed in seeds]
    return list(denoise_canvas(network, settings, generators, **SIZES, **options))


@pytest.mark.parametrize("stability", [0, 1, 2, 5])
def test_an_oracle_is_believed_after_as_many_steps_as_stability_asks(stability):
    results = run(
        OracleDenoiser(target(), vocab_size=40), settings=SamplerSettings().with_overrides(stability=stability)
    )
    assert len(results) == stability + 1
    assert results[-1].state.finished.all()
    assert results[-1].state.steps_used.tolist() == [stability + 1] * 3
    assert results[-1].state.draft.equal(target())
    assert results[-1].state.canvas.equal(target())


def test_the_network_sees_noise_first_and_what_the_last_step_left_after_that():
    network = OracleDenoiser(target(), vocab_size=40, peak=3.0)
    results = run(network, settings=SamplerSettings(max_steps=5))
    assert (network.canvases_seen[0] != target()).float().mean() > 0.8
    for seen, result in zip(network.canvases_seen[1:], results[:-1], strict=True):
        assert seen.equal(result.state.canvas)


def test_without_certainty_every_step_is_taken_and_no_row_is_finished():
    results = run(RestlessDenoiser(target(), vocab_size=40, calm=5.0), settings=SamplerSettings(max_steps=6))
    assert len(results) == 6
    assert not results[-1].state.finished.any()
    assert results[-1].state.steps_used.tolist() == [6, 6, 6]


def test_a_rule_that_never_stops_takes_every_step():
    assert (
        len(run(OracleDenoiser(target(), vocab_size=40), settings=SamplerSettings(max_steps=9, stop=NeverStop()))) == 9
    )


def test_rows_end_at_different_steps_and_stay_as_they_ended():
    results = run(RestlessDenoiser(target(), vocab_size=40))
    used = results[-1].state.steps_used.tolist()
    assert len(set(used)) > 1
    assert max(used) == len(results)
    for row, steps in enumerate(used):
        at_its_end = results[steps - 1].state
        assert not any(result.state.finished[row] for result in results[: steps - 1])
        for result in results[steps - 1 :]:
            assert result.state.finished[row]
            assert result.state.steps_used[row] == steps
            for name in ("canvas", "draft", "conditioning"):
                assert getattr(result.state, name)[row].equal(getattr(at_its_end, name)[row])


@pytest.mark.parametrize("pinned", [False, True])
def test_a_row_alone_writes_the_same_tokens_as_in_a_batch(pinned):
    network = RestlessDenoiser(target(batch=5), vocab_size=40)
    pins = None
    if pinned:
        mask = torch.rand(5, 16, generator=torch.Generator().manual_seed(9)) < 0.3
        pins = Pins(mask=mask, tokens=target(batch=5, seed=4))
    together = run(network, seeds=(11, 12, 13, 14, 15), pins=pins)
    for row, seed in enumerate((11, 12, 13, 14, 15)):
        own = None if pins is None else Pins(mask=pins.mask[row : row + 1], tokens=pins.tokens[row : row + 1])
        alone = run(network.row(row), seeds=(seed,), pins=own)
        assert len(alone) == together[-1].state.steps_used[row]
        for one, many in zip(alone, together, strict=False):
            assert one.state.canvas[0].equal(many.state.canvas[row])
            assert one.state.draft[0].equal(many.state.draft[row])


def test_a_row_does_not_move_the_generator_of_another_or_its_own_after_its_end():
    generators = [canvas_generator(seed, 0) for seed in (1, 2, 3)]
    network = RestlessDenoiser(target(), vocab_size=40)
    list(denoise_canvas(network, SamplerSettings(), generators, **SIZES))
    for row, generator in enumerate(generators):
        own = canvas_generator(row + 1, 0)
        list(denoise_canvas(network.row(row), SamplerSettings(), [own], **SIZES))
        assert own.get_state().equal(generator.get_state())


def test_seeds_repeat_and_other_seeds_differ():
    network = RestlessDenoiser(target(), vocab_size=40)
    first, second = run(network), run(network)
    assert len(first) == len(second)
    assert all(a.state.canvas.equal(b.state.canvas) for a, b in zip(first, second, strict=True))
    assert not run(network, seeds=(4, 5, 6))[0].state.canvas.equal(first[0].state.canvas)


def test_an_initial_canvas_is_what_the_network_sees_first():
    network = OracleDenoiser(target(), vocab_size=40)
    initial = target(seed=8)
    run(network, initial=initial)
    assert network.canvases_seen[0].equal(initial)


def test_pins_hold_in_everything_the_network_sees_and_writes():
    network = OracleDenoiser(target(), vocab_size=40, peak=4.0)
    pins = Pins(mask=torch.rand(3, 16, generator=torch.Generator().manual_seed(1)) < 0.5, tokens=target(seed=5))
    results = run(network, pins=pins, initial=target(seed=8), settings=SamplerSettings(max_steps=8))
    for tokens in (*network.canvases_seen, *(result.state.draft for result in results)):
        assert tokens.equal(pins.apply(tokens))
    assert results[-1].state.draft.equal(pins.apply(target()))


def test_a_loop_of_ones_own_takes_the_same_steps():
    network, settings = RestlessDenoiser(target(), vocab_size=40), SamplerSettings()
    generators = [canvas_generator(seed, 0) for seed in (1, 2, 3)]
    state = first_state(settings, generators, **SIZES)
    for theirs in run(network, settings=settings):
        ours = next_step(state, network, settings, generators, SIZES["vocab_size"])
        for name in ("canvas", "draft", "finished"):
            assert getattr(ours.state, name).equal(getattr(theirs.state, name))
        state = ours.state
    assert state.finished.all()


def test_no_gradient_is_kept():
    network = RestlessDenoiser(target(), vocab_size=40)
    network.embedding.requires_grad_()
    results = run(network, settings=SamplerSettings(max_steps=2))
    assert not results[-1].state.conditioning.requires_grad


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_numbers_end_with_an_error_that_names_step_and_row(value):
    network = BrokenDenoiser(target(), vocab_size=40, value=value, row=1, step=3)
    with pytest.raises(GenerationError, match=r"step 3 of 48 in row 1: .*check the checkpoint"):
        run(network)


def test_the_steps_before_a_failure_have_been_given():
    network = BrokenDenoiser(target(), vocab_size=40, value=math.nan, row=0, step=3)
    steps = denoise_canvas(network, SamplerSettings(), [canvas_generator(s, 0) for s in (1, 2, 3)], **SIZES)
    assert [next(steps).state.step, next(steps).state.step] == [1, 2]
    with pytest.raises(GenerationError):
        next(steps)


def test_a_finished_row_that_breaks_later_is_kept():
    network = RestlessDenoiser(target(), vocab_size=40)
    undisturbed = run(network)[-1].state
    used = undisturbed.steps_used
    row, steps = int(used.argmin()), int(used.min())
    healthy = network.denoise
    calls = []

    def break_later(canvas, conditioning):
        calls.append(None)
        logits = healthy(canvas, conditioning)
        if len(calls) > steps:
            logits[row] = math.nan
        return logits

    network.denoise = break_later
    final = run(network)[-1].state
    assert len(calls) == int(used.max())
    assert final.steps_used.equal(used)
    assert final.draft.equal(undisturbed.draft)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": target(batch=2)}, r"initial canvas has shape \[2, 16\]; give 3 rows of 16"),
        ({"initial": target() + 39}, r"initial canvas holds the token \d+; give ids from 0 to 39"),
        ({"initial": target() - 40}, r"initial canvas holds the token -\d+"),
        (
            {"pins": Pins(mask=torch.ones(3, 4, dtype=torch.bool), tokens=torch.zeros(3, 4, dtype=torch.int64))},
            r"pins has shape \[3, 4\]",
        ),
        (
            {"pins": Pins(mask=torch.ones(3, 16, dtype=torch.bool), tokens=torch.full((3, 16), 40))},
            "pins holds the token 40",
        ),
    ],
)
def test_canvases_that_do_not_fit_are_refused_before_the_first_step(options, message):
    with pytest.raises(InputError, match=message):
        denoise_canvas(
            OracleDenoiser(target(), vocab_size=40),
            SamplerSettings(),
            [canvas_generator(s, 0) for s in (1, 2, 3)],
            **SIZES,
            **options,
        )


def test_tokens_that_are_not_pinned_may_be_anything_in_the_pins():
    pins = Pins(mask=torch.zeros(3, 16, dtype=torch.bool), tokens=torch.full((3, 16), -1))
    assert run(OracleDenoiser(target(), vocab_size=40), pins=pins)[-1].state.draft.equal(target())
