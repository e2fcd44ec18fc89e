"""The step that a graph records: it asks nothing of the host, and a row of it is the plain step of that row."""

from dataclasses import replace

import pytest
import torch

from gesso.engine.denoiser import CachedDenoiser
from gesso.engine.graphed_step import (
    STATE_TENSORS,
    StepInputs,
    StepReport,
    graphed_state,
    graphed_step,
    state_of,
    state_tensors,
)
from gesso.engine.kv_pool import KVPool
from gesso.model.network import Network
from gesso.ops.read_head import HeadReading
from gesso.sampling.accept import EntropyBound
from gesso.sampling.denoise import first_state, next_step
from gesso.sampling.draws import canvas_generator, draw_step
from gesso.sampling.pace import RisingBound
from gesso.sampling.pins import Pins
from gesso.sampling.row_rules import row_numbers
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import start_state
from gesso.sampling.stop import GiveUp
from gesso.sampling.temperature import ConstantTemperature
from tests.model.test_no_waiting import NothingWaits, only_shapes, refuse
from tests.tiny_model import CONFIG, tiny_network

CANVAS, VOCAB, PAGE, STEPS = CONFIG.canvas_length, 97, 4, 6
TABLES, LENGTHS = [[4, 0, 2], [5, 1], [3]], [11, 5, 4]
SETTINGS = [
    SamplerSettings(max_steps=STEPS),
    SamplerSettings(
        max_steps=8, acceptance=RisingBound(least=EntropyBound(bound_nats=2.0, reach=4)), stop=GiveUp(patience=1)
    ),
    SamplerSettings(max_steps=7, temperature=ConstantTemperature(value=0.0)).with_overrides(
        stability=0, confidence=3.0
    ),
]


def filled_pool(network: Network) -> KVPool:
    pool = KVPool(network.config, num_pages=8, page_length=PAGE, dtype=network.dtype, device=network.device)
    for buffer in (*pool.keys, *pool.values):
        buffer[:, :-1].fill_(torch.nan)  # what was never written may be anything
    text = torch.randint(VOCAB, (3, max(LENGTHS)), generator=torch.Generator().manual_seed(0))
    network.encode(text, pool.rows(TABLES, [0, 0, 0], LENGTHS), lengths=LENGTHS)
    return pool


@torch.no_grad()
def test_a_row_takes_the_steps_that_it_takes_alone_by_its_own_settings_until_it_is_finished_and_none_after():
    network = tiny_network(3, vocab_size=VOCAB)
    network.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    pool = filled_pool(network)
    pins = Pins(mask=torch.arange(CANVAS)[None] % 5 == 0, tokens=torch.full((1, CANVAS), 50))
    alone = []
    for row, own in enumerate(SETTINGS):
        shape = {"canvas_length": CANVAS, "vocab_size": VOCAB}
        alone.append(first_state(own, [canvas_generator(row, 0)], **shape, pins=pins if row == 1 else None))
    ours = [torch.cat(parts) for parts in zip(*(state_tensors(graphed_state(s, network)) for s in alone), strict=True)]
    pages = torch.tensor([[*table, 7, 7, 7, 7][:4] for table in TABLES])
    for step in range(STEPS):
        generators = [canvas_generator(row, step) for row in range(3)]
        draws = draw_step(generators, canvas_length=CANVAS, vocab_size=VOCAB, device=torch.device("cpu"))
        numbers = torch.tensor([row_numbers(own, step) for own in SETTINGS], dtype=torch.float64)
        inputs = StepInputs(pages, torch.tensor(LENGTHS), numbers, draws.uniforms, draws.renoise)
        before = [tensor.clone() for tensor in (*ours, *inputs)]
        given = (*ours, *inputs)
        ours = graphed_step(network, pool, *given)
        assert all(torch.equal(*pair) for pair in zip(before, given, strict=True))
        report, ours = StepReport(*ours[STATE_TENSORS:]), ours[:STATE_TENSORS]
        for row, own in enumerate(SETTINGS):
            cache = pool.rows([TABLES[row]], [LENGTHS[row]])
            was_finished = bool(alone[row].finished)
            plain = next_step(alone[row], CachedDenoiser(network, cache), own, [canvas_generator(row, step)], VOCAB)
            alone[row], seen = plain.state, report.row(row)
            assert torch.equal(seen.state.canvas, plain.state.canvas)
            assert torch.equal(seen.state.draft, plain.state.draft)
            assert torch.equal(seen.state.converged, plain.state.converged)
            assert seen.state.step == int(plain.state.steps_used)
            if not was_finished:
                assert torch.equal(seen.accepted, plain.accepted)
                assert torch.equal(seen.temperature, plain.temperature)
                torch.testing.assert_close(seen.entropy, plain.entropy, rtol=1e-3, atol=1e-3)
    assert [bool(state.finished) for state in alone] == [False, True, True]  # so every case was there
    assert [bool(state.given_up) for state in alone] == [False, True, False]


def test_canvases_become_tensors_and_tensors_canvases():
    network = tiny_network(vocab_size=VOCAB)
    state = graphed_state(start_state(torch.ones(2, CANVAS, dtype=torch.int64), SETTINGS[0]), network)
    assert len(state_tensors(state)) == STATE_TENSORS
    again = state_tensors(state_of(state_tensors(state), step=3))
    assert all(one is other for one, other in zip(again, state_tensors(state), strict=True))


@pytest.mark.parametrize("batch", [1, 4])
@torch.no_grad()
def test_a_whole_step_with_kernels_never_waits_for_the_device(batch, monkeypatch):
    network = tiny_network().to("meta")
    network.use_kernels(replace(only_shapes(), read_head=read_shapes))
    pool = KVPool(CONFIG, num_pages=8, page_length=PAGE, dtype=network.dtype, device=network.device)
    first = start_state(torch.zeros(batch, CANVAS, dtype=torch.int64, device="meta"), SETTINGS[0])
    inputs = StepInputs(
        pages=torch.zeros(batch, 4, dtype=torch.int64, device="meta"),
        context=torch.zeros(batch, dtype=torch.int64, device="meta"),
        numbers=torch.zeros(batch, 8, dtype=torch.float64, device="meta"),
        uniforms=torch.zeros(batch, CANVAS, dtype=torch.float64, device="meta"),
        renoise=first.canvas,
    )
    given = (*state_tensors(graphed_state(first, network)), *inputs)
    graphed_step(network, pool, *given)  # what is made once is made here
    monkeypatch.setattr(torch, "tensor", refuse)
    with NothingWaits():
        results = graphed_step(network, pool, *given)
    for before, after in zip(given, results[:STATE_TENSORS], strict=False):
        assert (before.shape, before.dtype) == (after.shape, after.dtype)  # so the next step is the same graph


def read_shapes(hidden, embedding, softcap, temperature, uniforms):
    tokens = torch.empty(*uniforms.shape, dtype=torch.int64, device=hidden.device)
    numbers = torch.empty(*uniforms.shape, device=hidden.device)
    return HeadReading(
        entropy=numbers, confidence=numbers, argmax=tokens, sampled=tokens, soft_embedding=torch.empty_like(hidden)
    )
