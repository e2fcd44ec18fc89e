"""Several texts for one prompt, and the one among them that reads likeliest from left to right.

The canvas drafts, and the causal mode of the same weights judges: it reads each text word by word, as the pass that
commits a canvas does anyway, and a word that is missing or said twice surprises it.
"""

import hashlib
import secrets
from collections.abc import Sequence

from gesso.engine.left_to_right import surprise
from gesso.lm.writing import Writing
from gesso.model.network import Network


def seeds(seed: int | None, count: int) -> list[int]:
    """Seeds of several texts: the first is the one that is given, or drawn; the others follow from it."""
    first = secrets.randbits(31) if seed is None else seed
    return [first, *(_derived(first, index) for index in range(1, count))]


def likeliest(network: Network, writings: Sequence[Writing]) -> Writing:
    """Choose the finished text of least mean surprise, its end included; of equals the first."""
    if len(writings) == 1:
        return writings[0]
    return min(writings, key=lambda writing: _nats_per_token(network, writing))


def _nats_per_token(network: Network, writing: Writing) -> float:
    request, result = writing.request, writing.result()
    # A stop string leaves tokens of its own behind; only where a stop token ended the text was the end predicted.
    has_ended = result.finish_reason == "stop" and not writing.stop
    ends = request.stop_ids if has_ended or not result.token_ids else frozenset()
    return surprise(network, request.prompt_ids, result.token_ids, end_ids=ends).mean().item()


def _derived(seed: int, index: int) -> int:
    digest = hashlib.sha256(f"{seed}/{index}".encode("ascii")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
