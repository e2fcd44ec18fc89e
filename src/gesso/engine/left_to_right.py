"""Reading a text left to right: how surprised the causal mode of a network is by each token."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.model.network import Network


@torch.no_grad()
def surprise(
    network: Network,
    context: Sequence[int],
    continuation: Sequence[int],
    *,
    end_ids: frozenset[int] = frozenset(),
) -> Float[Tensor, " N"]:
    """Nats of each token of a continuation, given all before it.

    Args:
        network: In eval mode; the pass that would commit the text also reads it.
        context: Tokens before; at least one.
        continuation: Tokens to be read; may be empty if there are `end_ids`.
        end_ids: Any of these is expected behind the continuation; none if the text goes on.

    Returns:
        Float32: one number for each token, and one more for the end if there are `end_ids`.
    """
    ids = torch.tensor([[*context, *continuation]], device=network.device)
    hidden = network.encode(ids, network.new_cache(batch=1, max_len=ids.shape[1]))
    logs = network.head(hidden[:, len(context) - 1 :])[0].float().log_softmax(-1)
    nats = -logs[:-1].gather(1, ids[0, len(context) :, None]).squeeze(1)
    if not end_ids:
        return nats
    end = -logs[-1, sorted(end_ids)].logsumexp(0, keepdim=True)
    return torch.cat([nats, end])
