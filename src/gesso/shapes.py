"""The legend of dimension letters, and the tensor types built from it.

    B  batch                  L  tokens of a sequence        C  positions of a canvas
    S  cached positions       D  model width                 N  query heads
    K  key and value heads    H  head width                  F  feed-forward width
    E  experts                V  vocabulary

The types are checked at every function boundary when the tests run (`--jaxtyping-packages`), and cost nothing
otherwise.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

TokenIds = Int[Tensor, "B L"]
"""Token ids of a batch of sequences."""

CanvasIds = Int[Tensor, "B C"]
"""Token ids of a batch of canvases."""

CanvasMask = Bool[Tensor, "B C"]
"""One truth value for each canvas position, such as accepted or pinned."""

CanvasEntropy = Float[Tensor, "B C"]
"""Entropy of the prediction at each canvas position, in nats."""

Hidden = Float[Tensor, "B L D"]
"""Hidden states of a sequence."""

SoftEmbedding = Float[Tensor, "B C D"]
"""What a denoising step feeds back into the next: the expected, scaled embedding at each position."""

Logits = Float[Tensor, "B C V"]
"""Scores for every token of the vocabulary at each canvas position."""

RowMask = Bool[Tensor, "B"]
"""One truth value for each row of the batch, such as finished."""

RowLengths = Int[Tensor, "B"]
"""One length for each row of the batch, in tokens."""
