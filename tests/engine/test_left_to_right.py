import torch

from gesso.engine.left_to_right import surprise
from tests.tiny_model import CONFIG, tiny_network

CONTEXT, TEXT = [2, 7, 9], [11, 5, 30, 8]


def plain_nats(network, ids, position):
    """One token's surprise from a pass over what comes before it, and nothing else."""
    with torch.no_grad():
        hidden = network.encode(torch.tensor([ids[:position]]), network.new_cache(batch=1, max_len=position))
        return -network.head(hidden[:, -1:])[0, 0].log_softmax(-1)[ids[position]]


def test_each_token_is_judged_by_all_before_it_and_nothing_behind():
    network = tiny_network()
    ids = CONTEXT + TEXT
    expected = torch.stack([plain_nats(network, ids, i) for i in range(len(CONTEXT), len(ids))])
    assert torch.allclose(surprise(network, CONTEXT, TEXT), expected, atol=1e-5)


def test_an_end_may_be_any_of_the_end_tokens():
    network = tiny_network()
    each = [surprise(network, CONTEXT, [*TEXT, end])[-1] for end in (1, 3)]
    both = surprise(network, CONTEXT, TEXT, end_ids=frozenset({1, 3}))
    assert len(both) == len(TEXT) + 1
    assert torch.allclose(both[-1], -torch.stack([-nats for nats in each]).logsumexp(0), atol=1e-5)


def test_an_empty_text_is_judged_by_its_end_alone():
    network = tiny_network()
    nats = surprise(network, CONTEXT, [], end_ids=frozenset(range(CONFIG.vocab_size)))
    assert nats.shape == (1,)
    assert abs(nats.item()) < 1e-5
