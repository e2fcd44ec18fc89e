"""What is left of a canvas when its front has been committed, and the rest slides on."""

from dataclasses import dataclass

import torch

from gesso.model.config import ModelConfig
from gesso.sampling.constraint import Constraint
from gesso.sampling.denoise import first_state, slid_state
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.log_probabilities import LogProbabilities
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import CanvasState, StepResult
from gesso.shapes import CanvasIds


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """A canvas of one row after the step that settled its front.

    Attributes:
        state: The whole canvas; the next one is made of it by `slid_state`.
        count: Positions at its front that are committed.
        probable: How probable the tokens behind them were, if somebody asks.
    """

    state: CanvasState
    count: int
    probable: LogProbabilities | None

    @classmethod
    def after(cls, result: StepResult, probable: LogProbabilities | None) -> "Rest | None":
        """What a step leaves if the canvas is to slide now; None if not, or if all of it is finished."""
        count = 0 if result.settled is None else int(result.settled[0])
        if count == 0 or bool(result.state.finished[0]):
            return None
        return cls(state=result.state, count=count, probable=probable and probable.slid(count))

    @property
    def front(self) -> list[int]:
        """The tokens that are committed."""
        return self.state.draft[0, : self.count].tolist()


def draft_state(
    rest: Rest | None,
    settings: SamplerSettings,
    generator: torch.Generator,
    config: ModelConfig,
    *,
    initial: CanvasIds | None,
    pins: Pins | None,
    constraint: Constraint | None,
    filters: CanvasFilters | None,
    device: torch.device,
) -> CanvasState:
    """Where a draft starts from: what is left of the canvas before, if there is anything, and noise or `initial`."""
    if rest is None:
        return first_state(
            settings,
            [generator],
            canvas_length=config.canvas_length,
            vocab_size=config.vocab_size,
            initial=initial,
            pins=pins,
            constraint=constraint,
            filters=filters,
            device=device,
        )
    return slid_state(
        rest.state,
        rest.count,
        settings,
        [generator],
        vocab_size=config.vocab_size,
        fresh=initial,
        pins=pins,
        constraint=constraint,
        filters=filters,
    )
