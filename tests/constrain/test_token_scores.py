import math

import torch

from gesso.constrain import token_scores as module
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
    total, best = score_classes(CLASSES, CLASSES.order(log_probabilities))
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
        drawn = sample_tokens(
            CLASSES, CLASSES.order(log_probabilities), chosen, torch.full((5,), number, dtype=torch.float64)
        )
        assert drawn.equal(members[(cumulative <= number).sum(-1).clamp(max=3)])
    best = best_tokens(CLASSES, CLASSES.order(log_probabilities), chosen)
    assert best.equal(members[log_probabilities[:, members].argmax(-1)])


def test_a_token_of_a_class_of_many_blocks_is_drawn_by_the_inverse_of_the_distribution_of_all():
    tokens = [bytes([65 + at // 26, 65 + at % 26]) for at in range(200)] + [b""]
    automaton = compile_rule(Regex(pattern="([A-Z]{2})*"), Vocabulary.of(tokens, {200}))
    classes = TokenClasses.of(automaton, torch.device("cpu"))
    scores = (4 * torch.randn(64, 201, generator=torch.Generator().manual_seed(0))).log_softmax(-1)
    uniforms = torch.rand(64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    drawn = sample_tokens(classes, classes.order(scores), torch.ones(64, dtype=torch.int64), uniforms)
    cumulative = scores[:, :200].double().softmax(-1).cumsum(-1)
    assert drawn.tolist() == (cumulative <= uniforms[:, None]).sum(-1).tolist()


def test_classes_large_and_small_are_summed_up_alike(monkeypatch):
    automaton = compile_rule(
        Regex(pattern="[a-z]*[0-9][A-Z]?"), Vocabulary.of([*(bytes([byte]) for byte in range(256)), b""], {256})
    )
    logits = (30 * torch.randn(5, 257, generator=torch.Generator().manual_seed(0))).log_softmax(-1)
    outcomes = []
    for large in (1, 12, 1000):
        monkeypatch.setattr(module, "LARGE", large)
        classes = TokenClasses.of(automaton, torch.device("cpu"))
        ordered = classes.order(logits)
        chosen = torch.arange(1, 6) % automaton.num_classes
        chosen[chosen == 0] = 1
        drawn = sample_tokens(classes, ordered, chosen, torch.linspace(0, 0.99, 5, dtype=torch.float64))
        outcomes.append((*score_classes(classes, ordered), drawn, best_tokens(classes, ordered, chosen)))
    for outcome in outcomes[1:]:
        for one, other in zip(outcomes[0], outcome, strict=True):
            torch.testing.assert_close(one, other)
