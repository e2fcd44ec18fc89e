"""Rules of acceptance by the names that users give."""

from collections.abc import Callable, Mapping

from gesso.sampling.accept import Acceptance, ConfidenceThreshold, EntropyBound
from gesso.sampling.pace import EvenCount, RisingBound
from gesso.sampling.posterior import ExactPosterior, GibbsCorrector
from gesso.sampling.transition import Transition

REFERENCE = "reference"
"""All settings as they are published, whatever those of the model are."""

RULES: Mapping[str, Callable[[EntropyBound], Acceptance | Transition]] = {
    "entropy-bound": lambda bound: bound,
    "rising-bound": lambda bound: RisingBound(least=bound),
    "confidence": lambda bound: ConfidenceThreshold(),
    "top-k": lambda bound: EvenCount(),
    "posterior": lambda bound: ExactPosterior(),
    "gibbs": lambda bound: GibbsCorrector(),
}
"""What makes each rule from the entropy bound that is set; the others have none."""

NAMES = (REFERENCE, *RULES)
"""What a sampler may be called."""


def entropy_bound_of(rule: Acceptance | Transition) -> EntropyBound | None:
    """The entropy bound of a rule; None if it has none."""
    match rule:
        case EntropyBound():
            return rule
        case RisingBound(least=least):
            return least
    return None


def with_entropy_bound(rule: Acceptance | Transition, bound: EntropyBound) -> Acceptance | Transition:
    """A rule with another entropy bound: that bound alone, unless the rule builds on one."""
    return RisingBound(least=bound) if isinstance(rule, RisingBound) else bound


def name_of(rule: Acceptance | Transition) -> str | None:
    """The name that gives this rule; None if no name does."""
    bound = entropy_bound_of(rule) or EntropyBound()
    return next((name for name, make in RULES.items() if make(bound) == rule), None)
