"""The plainest way to write from left to right: pass, choose, append. No canvas, no events, no engine.

Who compares diffusion with writing token by token should compare it with this one too: mode "autoregressive" tells of
each token as of a step, with all 256 positions of its canvas, and that takes time.
"""

from collections.abc import Sequence

import torch

from gesso.model.network import Network
from gesso.ops.categorical import invert_cdf_in_groups
from gesso.sampling.draws import canvas_generator, draw_step


@torch.no_grad()
def write_bare(
    network: Network, prompt_ids: Sequence[int], *, max_new_tokens: int, temperature: float, seed: int
) -> list[int]:
    """Write from left to right with a cache, and never stop early.

    The numbers that choose the tokens are those of mode "autoregressive", so that with the same seed both write the
    same text, but for rounding.

    Args:
        network: In eval mode.
        prompt_ids: At least one token.
        max_new_tokens: How many tokens are written.
        temperature: What logits are divided by; 0 always takes the likeliest token.
        seed: As of a request.
    """
    config, device = network.config, network.device
    cache = network.new_cache(batch=1, max_len=len(prompt_ids) + max_new_tokens)
    written: list[int] = []
    ids = torch.tensor([list(prompt_ids)], device=device)
    for index in range(max_new_tokens):
        canvas, position = divmod(index, config.canvas_length)
        if position == 0:
            draws = draw_step(
                [canvas_generator(seed, canvas)],
                canvas_length=config.canvas_length,
                vocab_size=config.vocab_size,
                device=device,
            )
        logits = network.head(network.encode(ids, cache)[:, -1:])
        if temperature == 0:
            ids = logits.argmax(-1)
        else:
            ids = invert_cdf_in_groups((logits / temperature).softmax(-1), draws.uniforms[:, position : position + 1])
        written.append(int(ids))
    return written
