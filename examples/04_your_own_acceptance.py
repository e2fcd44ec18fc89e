"""A rule of acceptance of your own: `python examples/04_your_own_acceptance.py`.

A rule is a frozen record with one method. This one keeps a fixed share of the canvas, the most certain positions,
whatever their entropy; the published rule keeps as many as its bound in nats allows.
"""

import math
from dataclasses import dataclass, replace

import torch

import gesso


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepShare:
    """Keeps the most certain positions, a fixed share of them."""

    share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"the share is {self.share:g}; give a number above 0, at most 1")

    def accept(
        self, entropy: torch.Tensor, confidence: torch.Tensor, pinned: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Choose the positions of lowest entropy, and all pinned ones."""
        count = math.ceil(self.share * entropy.shape[-1])
        kept = torch.zeros_like(entropy, dtype=torch.bool)
        kept.scatter_(-1, entropy.topk(count, largest=False).indices, True)
        return kept if pinned is None else kept | pinned


def main() -> None:
    """Write the same story by both rules."""
    lm = gesso.load()
    for rule in (lm.sampler.acceptance, KeepShare(share=0.25)):
        writer = replace(lm, sampler=replace(lm.sampler, acceptance=rule))
        story = writer.generate("Once upon a time", seed=0)
        print(f"{rule}: {story.steps} steps\n{story.text}\n")


if __name__ == "__main__":
    main()
