"""The settings of the sampler, and the published file that carries a model's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gesso.errors import ConfigError, SettingError
from gesso.sampling.accept import Acceptance, EntropyBound
from gesso.sampling.stop import StableAndConfident, Stop
from gesso.sampling.temperature import ConstantTemperature, LinearTemperature, Temperature

SAMPLER_KEYS = frozenset(
    {"sampler_config", "max_denoising_steps", "t_max", "t_min", "stability_threshold", "confidence_threshold"}
)
"""The keys of generation_config.json that the sampler reads; the others belong to other readers."""

OWN_SAMPLER_KEYS = frozenset({"acceptance_reach"})
"""Keys beside the published ones. The reference refuses a generation_config.json that holds them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerSettings:
    """How canvases are denoised. The defaults are those published with DiffusionGemma.

    Attributes:
        max_steps: steps that a canvas may take, at least 1.
        temperature: what the logits are divided by at each step.
        acceptance: which sampled tokens a step keeps.
        stop: when a canvas is finished before its steps run out.
    """

    max_steps: int = 48
    temperature: Temperature = field(default_factory=LinearTemperature)
    acceptance: Acceptance = field(default_factory=EntropyBound)
    stop: Stop = field(default_factory=StableAndConfident)

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise SettingError(f"the number of steps is {self.max_steps}; give 1 or more (48 is usual)")

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
            return cls(
                max_steps=_read(config, "max_denoising_steps", int, 48),
                temperature=LinearTemperature(
                    start=float(_read(config, "t_max", (int, float), 0.8)),
                    end=float(_read(config, "t_min", (int, float), 0.4)),
                ),
                acceptance=EntropyBound(
                    bound_nats=float(_read(sampler, "entropy_bound", (int, float), 0.1)),
                    reach=_read(config, "acceptance_reach", int, None),
                ),
                stop=StableAndConfident(
                    stability_steps=_read(config, "stability_threshold", int, 1),
                    confidence_nats=float(_read(config, "confidence_threshold", (int, float), 0.005)),
                ),
            )
        except SettingError as error:
            raise ConfigError(f"generation_config.json: {error}") from error

    def to_generation_config(self) -> dict[str, Any]:
        """Write the settings as keys of generation_config.json.

        Raises:
            SettingError: the published layout has no words for these settings.
        """
        match self:
            case SamplerSettings(
                temperature=LinearTemperature(start=start, end=end),
                acceptance=EntropyBound(bound_nats=bound, reach=reach),
                stop=StableAndConfident(stability_steps=stability, confidence_nats=confidence),
            ) if start > end:
                own = {} if reach is None else {"acceptance_reach": reach}
                return own | {
                    "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": bound},
                    "max_denoising_steps": self.max_steps,
                    "t_max": start,
                    "t_min": end,
                    "stability_threshold": stability,
                    "confidence_threshold": confidence,
                }
        raise SettingError(
            "generation_config.json can hold only LinearTemperature with t_max above t_min, EntropyBound and "
            f"StableAndConfident, not {self}"
        )

    def with_overrides(
        self,
        *,
        steps: int | None = None,
        temperature: float | None = None,
        t_max: float | None = None,
        t_min: float | None = None,
        entropy_bound: float | None = None,
        reach: int | None = None,
        confidence: float | None = None,
        stability: int | None = None,
    ) -> "SamplerSettings":
        """Change some values, as a user gives them; None changes nothing.

        A value brings its rule with it: an entropy bound for settings that accept in another way makes them accept by
        `EntropyBound`, and so on.

        Args:
            steps: steps that a canvas may take.
            temperature: one temperature for all steps; 0 takes the most likely tokens.
            t_max: temperature of the first step.
            t_min: temperature that later steps fall towards.
            entropy_bound: bound of the accepted entropies, in nats.
            reach: positions behind the first uncertain one that may be accepted; 0 for all.
            confidence: mean entropy to stop below, in nats.
            stability: earlier steps that must have had the same draft.

        Raises:
            SettingError: a value is out of its range, or `temperature` is given together with `t_max` or `t_min`.
        """
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
            changes["temperature"] = _linear(self.temperature, start=t_max, end=t_min)
        if entropy_bound is not None or reach is not None:
            accept = self.acceptance if isinstance(self.acceptance, EntropyBound) else EntropyBound()
            changes["acceptance"] = EntropyBound(
                bound_nats=accept.bound_nats if entropy_bound is None else entropy_bound,
                reach=accept.reach if reach is None else reach or None,
            )
        if confidence is not None or stability is not None:
            given = {"confidence_nats": confidence, "stability_steps": stability}
            rule = self.stop if isinstance(self.stop, StableAndConfident) else StableAndConfident()
            changes["stop"] = replace(rule, **{name: value for name, value in given.items() if value is not None})
        return replace(self, **changes)


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
        kinds = "a table" if kind is dict else "a whole number" if kind is int else "a number"
        raise ConfigError(f"generation_config.json: {key} is {value!r}; it must be {kinds}")
    return value
