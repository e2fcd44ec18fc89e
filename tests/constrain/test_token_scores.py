import math

import torch

from gesso.constrain.rule import Regex, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.constrain.token_scores import TokenClasses, best_tokens, sample_tokens, score_classes

TOKENS = [b"a", b"x", b"b", b"", b"ab", b"d", b""]
CLASSES = TokenClasses.of(compile_rule(Regex(pattern="[abd]*"), Vocabulary.of(TOKENS, {6})), torch.device("cpu"))


def predictions(seed=0):
    return (9 * torch.randn(5, 7, generator=torch.Generator().manual_seed(seed))).log_softmax(-1)


def test_a_class_has_the_probability_of_its_tokens_and_the_score_of_its_best():
    log_probabilities = predictions()
    log_probabilities[0] = -math.inf
    total, best = score_classes(CLASSES, log_probabilities)
    assert CLASSES.sizes.tolist() == [0, 4, 1]
    assert total[:, 0].isneginf().all()
    for number in (1, 2):
        members = log_probabilities[:, CLASSES.token_class == number]
        torch.testing.assert_close(total[:, number], members.logsumexp(-1))
        assert best[:, number].equal(members.amax(-1))


def test_tokens_of_the_chosen_class_are_drawn_by_the_inverse_of_their_distribution():
    log_probabilities = predictions(1)
    chosen = torch.ones(5, dtype=torch.int64)
    members = torch.tensor([0, 2, 4, 5])
    cumulative = log_probabilities[:, members].double().softmax(-1).cumsum(-1)
    for number in (0.0, 0.3, 0.7, 1.0 - 2.0**-53):
        drawn = sample_tokens(CLASSES, log_probabilities, chosen, torch.full((5,), number, dtype=torch.float64))
        assert drawn.equal(members[(cumulative <= number).sum(-1).clamp(max=3)])
    best = best_tokens(CLASSES, log_probabilities, chosen)
    assert best.equal(members[log_probabilities[:, members].argmax(-1)])
