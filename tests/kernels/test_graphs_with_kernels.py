"""The engine's rounds by kernels: as graphs where there is a GPU, and called where there is none."""

from dataclasses import replace

import pytest
import torch

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, Event, StepDone
from gesso.engine.request import FirstCanvas, Request
from gesso.ops.gpu_kernels import choose_kernels
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import CONFIG, tiny_network

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")

VOCAB = 300
PINNED = FirstCanvas(token_ids=(50,) * CONFIG.canvas_length, pinned=(True, False) * (CONFIG.canvas_length // 2))


def requests(count: int) -> list[Request]:
    """Requests that are all unlike: in length, in steps, in what they accept and when they stop."""
    return [
        Request(
            prompt_ids=tuple(range(20, 25 + 3 * index)),
            max_new_tokens=CONFIG.canvas_length,
            sampler=SamplerSettings().with_overrides(
                steps=2 + index % 3, entropy_bound=0.1 + index, confidence=0.4, patience=index % 2
            ),
            seed=index,
            stop_ids=frozenset({1}),
            first_canvas=PINNED if index % 4 == 1 else None,
        )
        for index in range(count)
    ]


def written(asked: list[Request], device: torch.device, **changes: bool) -> tuple[Engine, list[list[Event]]]:
    network = tiny_network(3, vocab_size=VOCAB).to(device)
    # Strong feedback makes an untrained network chaotic: a difference in the last bit grows tenfold a step.
    network.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    network.use_kernels(choose_kernels("triton", device))
    settings = EngineSettings(max_rows=len(asked), page_length=4, pool_tokens=400, share_passes=True)
    engine = Engine(network, replace(settings, **changes))
    streams = [engine.submit(request) for request in asked]
    return engine, [list(stream) for stream in streams]


def assert_same_tokens(ours: list[list[Event]], expected: list[list[Event]]) -> None:
    for one, other in zip(ours, expected, strict=True):
        for event, wanted in zip(one, other, strict=True):
            if isinstance(event, StepDone):
                assert (event.canvas, event.accepted) == (wanted.canvas, wanted.accepted)
                assert event.entropy == pytest.approx(wanted.entropy, abs=1e-3)
            elif isinstance(event, CanvasCommitted):
                assert event == wanted


def test_by_kernels_rounds_read_a_step_late_write_the_same(device):
    asked = requests(2)
    assert_same_tokens(written(asked, device, graphs=True)[1], written(asked, device, graphs=False)[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="graphs are recorded on a GPU only")
@pytest.mark.parametrize("count", [1, 3, 8, 16])
def test_what_is_recorded_writes_the_same(device, count):
    engine, ours = written(requests(count), device)
    assert_same_tokens(ours, written(requests(count), device, graphs=False)[1])
    recorded = engine._runner._graphs._steps
    assert max(recorded) == 1 << (count - 1).bit_length()
    assert all(step._graph is not None for step in recorded.values())
