"""The settings of the sampler, and the published file that carries a model's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gesso.errors import ConfigError, SettingError
from gesso.sampling.accept import Acceptance, EntropyBound
from gesso.sampling.named import NAMES, REFERENCE, RULES, entropy_bound_of, name_of, with_entropy_bound
from gesso.sampling.pace import RisingBound
from gesso.sampling.slide import SettledFront, Slide
from gesso.sampling.stop import GiveUp, StableAndConfident, Stop
from gesso.sampling.temperature import ConstantTemperature, LinearTemperature, Temperature
from gesso.sampling.transition import Transition

SAMPLER_KEYS = frozenset(
    {"sampler_config", "max_denoising_steps", "t_max", "t_min", "stability_threshold", "confidence_threshold"}
)
"""The keys of generation_config.json that the sampler reads; the others belong to other readers."""

OWN_SAMPLER_KEYS = frozenset({"acceptance_rule", "acceptance_reach", "stop_patience", "slide"})
"""Keys beside the published ones. The reference refuses a generation_config.json that holds them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerSettings:
    """How canvases are denoised. The defaults are those published with DiffusionGemma.

    Attributes:
        max_steps: steps that a canvas may take, at least 1.
        temperature: what the logits are divided by at each step.
        acceptance: which sampled tokens a step keeps; or, more generally, how it makes the next canvas.
        stop: when a canvas is finished before its steps run out.
        slide: how much of a canvas is committed before all of it is finished; None: nothing. Only texts that are
            generated slide; a hole does not.
    """

    max_steps: int = 48
    temperature: Temperature = field(default_factory=LinearTemperature)
    acceptance: Acceptance | Transition = field(default_factory=EntropyBound)
    stop: Stop = field(default_factory=StableAndConfident)
    slide: Slide | None = None

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise SettingError(f"the number of steps is {self.max_steps}; give 1 or more (48 is usual)")
        counts_steps = isinstance(self.acceptance, Transition) and not isinstance(self.acceptance, RisingBound)
        if self.slide is not None and counts_steps:
            raise SettingError(
                f"a slide is asked for, and the sampler {name_of(self.acceptance) or type(self.acceptance).__name__} "
                "goes by how many steps a canvas has taken, which one that slides begins anew; give slide 0, or "
                "another sampler, such as entropy-bound"
            )

    @classmethod
    def from_generation_config(cls, config: Mapping[str, Any]) -> "SamplerSettings":
        """Read the sampler's keys of a generation_config.json; a key that is absent or null has its default.

        Raises:
            ConfigError: the file names a sampler that Gesso does not have, or a value that cannot be used.
        """
        sampler = _read(config, "sampler_config", dict, {"_cls_name": "EntropyBoundSamplerConfig"})
        name, unknown = sampler.get("_cls_name"), sorted(sampler.keys() - {"_cls_name", "entropy_bound"})
        if name != "EntropyBoundSamplerConfig" or unknown:
            raise ConfigError(
                f"generation_config.json: sampler_config is {sampler}; "
                "Gesso reads _cls_name 'EntropyBoundSamplerConfig' with an entropy_bound"
            )
        try:
            published = cls(
                max_steps=_read(config, "max_denoising_steps", int, 48),
                temperature=LinearTemperature(
                    start=float(_read(config, "t_max", (int, float), 0.8)),
                    end=float(_read(config, "t_min", (int, float), 0.4)),
                ),
                acceptance=EntropyBound(bound_nats=float(_read(sampler, "entropy_bound", (int, float), 0.1))),
                stop=StableAndConfident(
                    stability_steps=_read(config, "stability_threshold", int, 1),
                    confidence_nats=float(_read(config, "confidence_threshold", (int, float), 0.005)),
                ),
            )
            return published.with_overrides(
                sampler=_read(config, "acceptance_rule", str, None),
                reach=_read(config, "acceptance_reach", int, None),
                patience=_read(config, "stop_patience", int, None),
                slide=_read(config, "slide", int, None),
            )
        except SettingError as error:
            raise ConfigError(f"generation_config.json: {error}") from error

    def to_generation_config(self) -> dict[str, Any]:
        """Write the settings as keys of generation_config.json.

        Raises:
            SettingError: the published layout has no words for these settings.
        """
        patience = self.stop.patience if isinstance(self.stop, GiveUp) else None
        stop = self.stop.rule if isinstance(self.stop, GiveUp) else self.stop
        slide = self.slide.min_tokens if isinstance(self.slide, SettledFront) else None
        own_rules = (self.stop, self.slide)
        rule, bound = name_of(self.acceptance), entropy_bound_of(self.acceptance) or EntropyBound()
        match self.temperature, stop:
            case (
                LinearTemperature(start=start, end=end),
                StableAndConfident(stability_steps=stability, confidence_nats=confidence),
            ) if start > end and rule is not None and own_rules == (_patient(stop, patience), _slide(slide)):
                own = {
                    "acceptance_rule": None if rule == "entropy-bound" else rule,
                    "acceptance_reach": bound.reach,
                    "stop_patience": patience,
                    "slide": slide,
                }
                return {key: value for key, value in own.items() if value is not None} | {
                    "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": bound.bound_nats},
                    "max_denoising_steps": self.max_steps,
                    "t_max": start,
                    "t_min": end,
                    "stability_threshold": stability,
                    "confidence_threshold": confidence,
                }
        raise SettingError(
            "generation_config.json can hold only LinearTemperature with t_max above t_min, a rule of acceptance that "
            f"has a name, StableAndConfident, and SettledFront by its length alone, not {self}"
        )

    def with_overrides(
        self,
        *,
        sampler: str | None = None,
        steps: int | None = None,
        temperature: float | None = None,
        t_max: float | None = None,
        t_min: float | None = None,
        entropy_bound: float | None = None,
        reach: int | None = None,
        confidence: float | None = None,
        stability: int | None = None,
        patience: int | None = None,
        slide: int | None = None,
    ) -> "SamplerSettings":
        """Change some values, as a user gives them; None changes nothing.

        A value brings its rule with it: an entropy bound for settings that accept in another way makes them accept by
        `EntropyBound`, and so on.

        Args:
            sampler: a rule of acceptance by its name in `gesso.sampling.named`; "reference" puts the published value in
                the place of every one that is not given.
            steps: steps that a canvas may take.
            temperature: one temperature for all steps; 0 takes the most likely tokens.
            t_max: temperature of the first step.
            t_min: temperature that later steps fall towards.
            entropy_bound: bound of the accepted entropies, in nats.
            reach: positions behind the first uncertain one that may be accepted; 0 for all.
            confidence: mean entropy to stop below, in nats.
            stability: earlier steps that must have had the same draft.
            patience: steps without progress after which a canvas is given up; 0 for never.
            slide: settled tokens at the front of a canvas that are committed before the rest is finished; 0 for none.

        Raises:
            SettingError: a value is out of its range, there is no such sampler, an entropy bound or a slide is given to
                one that has none, or `temperature` is given together with `t_max` or `t_min`.
        """
        base = SamplerSettings() if sampler == REFERENCE else self
        changes: dict[str, Any] = {}
        if steps is not None:
            changes["max_steps"] = steps
        if temperature is not None and (t_max is not None or t_min is not None):
            raise SettingError(
                f"temperature is {temperature:g}, and t_max or t_min is given too; give one temperature for all steps, "
                "or t_max and t_min for the first and the last"
            )
        if temperature is not None:
            changes["temperature"] = ConstantTemperature(value=temperature)
        elif t_max is not None or t_min is not None:
            changes["temperature"] = _linear(base.temperature, start=t_max, end=t_min)
        name = None if sampler == REFERENCE else sampler
        changes["acceptance"] = _acceptance(base.acceptance, name, entropy_bound=entropy_bound, reach=reach)
        changes["stop"] = _stop(base.stop, confidence=confidence, stability=stability, patience=patience)
        if slide is not None:
            changes["slide"] = _slide(slide)
        return replace(base, **changes)


def _acceptance(
    base: Acceptance | Transition, name: str | None, *, entropy_bound: float | None, reach: int | None
) -> Acceptance | Transition:
    if name is not None:
        if name not in RULES:
            raise SettingError(f"no sampler is called {name!r}; choose from {', '.join(NAMES)}")
        base = RULES[name](entropy_bound_of(base) or EntropyBound())
    if entropy_bound is None and reach is None:
        return base
    bound = entropy_bound_of(base)
    if bound is None and name is not None:
        raise SettingError(f"the sampler is {name}, which has no entropy bound and no reach; leave them out")
    bound = bound or EntropyBound()
    return with_entropy_bound(
        base,
        EntropyBound(
            bound_nats=bound.bound_nats if entropy_bound is None else entropy_bound,
            reach=bound.reach if reach is None else reach or None,
        ),
    )


def _stop(base: Stop, *, confidence: float | None, stability: int | None, patience: int | None) -> Stop:
    rule = base.rule if isinstance(base, GiveUp) else base
    if confidence is not None or stability is not None:
        given = {"confidence_nats": confidence, "stability_steps": stability}
        rule = rule if isinstance(rule, StableAndConfident) else StableAndConfident()
        rule = replace(rule, **{name: value for name, value in given.items() if value is not None})
    if patience is None:
        return replace(base, rule=rule) if isinstance(base, GiveUp) else rule
    return _patient(rule, patience or None)


def _slide(min_tokens: int | None) -> Slide | None:
    return SettledFront(min_tokens=min_tokens) if min_tokens else None


def _patient(rule: Stop, patience: int | None) -> Stop:
    return rule if patience is None else GiveUp(rule=rule, patience=patience)


def _linear(base: Temperature, *, start: float | None, end: float | None) -> LinearTemperature:
    if isinstance(base, ConstantTemperature):
        default_start = default_end = base.value
    elif isinstance(base, LinearTemperature):
        default_start, default_end = base.start, base.end
    else:
        default_start, default_end = LinearTemperature().start, LinearTemperature().end
    return LinearTemperature(start=default_start if start is None else start, end=default_end if end is None else end)


def _read(config: Mapping[str, Any], key: str, kind: type | tuple[type, ...], default: Any) -> Any:
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, kind):
        kinds = {dict: "a table", str: "a text", int: "a whole number"}.get(kind, "a number")
        raise ConfigError(f"generation_config.json: {key} is {value!r}; it must be {kinds}")
    return value
