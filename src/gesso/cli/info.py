"""`gesso info`: what a model is, from its configuration and the headers of its files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.output import as_json, as_size, write_line

if TYPE_CHECKING:
    from gesso.lm.summary import ModelSummary

WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
CACHE_BYTES = {"float32": 4, "bfloat16": 2}
CACHE_TOKENS = 1000

_LABEL_WIDTH = 16


def info(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a Hugging Face hub id.")
    ] = "bundled",
    revision: options.Revision = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Describe a model: shape, parameters, memory, settings.

    Reads the configuration and the headers of the weights, which may be absent. Of a hub id that was not downloaded
    before, only the configuration is.

    Examples:
        gesso info
        gesso info google/diffusiongemma-26B-A4B-it
        gesso info path/to/model --json
    """
    from gesso.checkpoint.hub import resolve
    from gesso.lm.summary import summarize

    facts = _facts(model, summarize(resolve(model, revision=revision, offline=offline, weights=False)))
    if json:
        write_line(as_json(facts))
    else:
        write_line("\n".join(f"{label:<{_LABEL_WIDTH}}{text}" for label, text in _lines(facts)))


def _facts(model: str, summary: "ModelSummary") -> dict[str, Any]:
    from gesso.sampling.named import entropy_bound_of, name_of
    from gesso.sampling.slide import SettledFront
    from gesso.sampling.stop import GiveUp

    config, sampler, report = summary.config, summary.sampler, summary.report
    bound = entropy_bound_of(sampler.acceptance)
    stop = sampler.stop.rule if isinstance(sampler.stop, GiveUp) else sampler.stop
    return {
        "model": model,
        "folder": str(summary.folder),
        "layers": list(config.layer_types),
        "attention_heads": config.num_attention_heads,
        "sliding": {
            "key_heads": config.num_key_value_heads,
            "head_width": config.head_dim,
            "window": config.sliding_window,
        },
        "full": {"key_heads": config.num_global_key_value_heads, "head_width": config.global_head_dim},
        "width": config.hidden_size,
        "feed_forward_width": config.intermediate_size,
        "experts": {
            "count": config.num_experts,
            "per_token": config.top_k_experts,
            "width": config.moe_intermediate_size,
        },
        "vocabulary": config.vocab_size,
        "canvas": config.canvas_length,
        "context": config.max_position_embeddings,
        "parameters": summary.num_parameters,
        "active_parameters": summary.num_active_parameters,
        "parameters_by_part": dict(summary.parameters),
        "weights": None
        if report is None
        else {
            "files": report.num_files,
            "size_bytes": report.size_bytes,
            "tensors_by_dtype": report.dtypes,
        },
        "quantization": None if summary.scheme is None else summary.scheme.name,
        "vision": {
            "configured": config.vision is not None,
            "tensors": 0 if report is None else len(report.vision),
            "parameters": 0 if report is None else report.num_vision_parameters,
        },
        "weights_bytes": {name: summary.num_parameters * size for name, size in WEIGHT_BYTES.items()},
        "cache_bytes_per_1000_tokens": {
            name: summary.cached_elements_per_token * CACHE_TOKENS * size for name, size in CACHE_BYTES.items()
        },
        "sampler": {
            "steps": sampler.max_steps,
            "t_max": sampler.temperature.start,
            "t_min": sampler.temperature.end,
            "rule": name_of(sampler.acceptance),
            "entropy_bound": None if bound is None else bound.bound_nats,
            "reach": None if bound is None else bound.reach,
            "stability": stop.stability_steps,
            "confidence": stop.confidence_nats,
            "patience": sampler.stop.patience if isinstance(sampler.stop, GiveUp) else None,
            "slide": sampler.slide.min_tokens if isinstance(sampler.slide, SettledFront) else None,
            "max_new_tokens": summary.max_new_tokens,
        },
        "unused_keys": list(config.unused_keys),
    }


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts in words, as labels and texts; a label is empty where the one above still holds."""
    heads, sampler, experts = facts["attention_heads"], facts["sampler"], facts["experts"]
    yield "model", facts["model"]
    yield "folder", facts["folder"]
    yield "layers", f"{len(facts['layers'])}: " + "".join(kind[0] for kind in facts["layers"]) + " (sliding, full)"
    for kind in ("sliding", "full"):
        keys, view = facts[kind]["key_heads"], f", window {facts[kind]['window']}" if kind == "sliding" else ""
        yield (
            f"{kind} layers",
            f"{heads} query {_plural('head', heads)}, {keys} key {_plural('head', keys)} "
            f"of width {facts[kind]['head_width']}{view}",
        )
    yield "width", f"{facts['width']}, feed-forward {facts['feed_forward_width']}"
    yield (
        "experts",
        "{count} of width {width}, {per_token} for each token".format(**experts) if experts["count"] else "none",
    )
    yield "vocabulary", f"{facts['vocabulary']:,} tokens"
    yield "canvas", f"{facts['canvas']} positions"
    yield "context", f"{facts['context']:,} positions"
    yield "parameters", f"{facts['parameters']:,} in all, {facts['active_parameters']:,} active for each token"
    for part, count in facts["parameters_by_part"].items():
        yield "", f"{count:>15,}  {part}"
    yield "weights", _weights(facts)
    if facts["quantization"] is not None:
        yield "quantized", f"linear maps and experts to {facts['quantization']}"
    yield "images", _images(facts)
    yield "memory", ", ".join(f"{as_size(size)} in {name}" for name, size in facts["weights_bytes"].items())
    caches = facts["cache_bytes_per_1000_tokens"].items()
    yield "cache", ", ".join(f"{as_size(size)} in {name}" for name, size in caches) + f" for {CACHE_TOKENS:,} tokens"
    yield "sampler", "at most {steps} steps, temperature {t_max:g} to {t_min:g}".format(**sampler)
    yield "", "accepts by {rule}".format(**sampler) + _bound(sampler)
    earlier = f"{sampler['stability']} earlier {_plural('step', sampler['stability'])}"
    yield "", f"done below {sampler['confidence']:g} nats, when {earlier} had the same draft"
    if sampler["patience"] is not None:
        yield "", "given up after {patience} steps without progress".format(**sampler)
    if sampler["slide"] is not None:
        yield "", "slides on when {slide} tokens are settled".format(**sampler)
    yield "new tokens", f"{sampler['max_new_tokens']:,}"
    yield "unused keys", ", ".join(facts["unused_keys"]) or "none"


def _weights(facts: dict[str, Any]) -> str:
    weights = facts["weights"]
    if weights is None:
        return "none in this folder: all is told from config.json"
    dtypes = ", ".join(f"{count} tensors in {dtype}" for dtype, count in weights["tensors_by_dtype"].items())
    return f"{as_size(weights['size_bytes'])} in {weights['files']} {_plural('file', weights['files'])}, {dtypes}"


def _images(facts: dict[str, Any]) -> str:
    vision = facts["vision"]
    if not vision["configured"]:
        return "none"
    if not vision["tensors"]:
        return "an encoder is configured; its weights are not here"
    return f"an encoder of {vision['parameters']:,} parameters in {vision['tensors']} tensors; text does not use it"


def _bound(sampler: dict[str, Any]) -> str:
    if sampler["entropy_bound"] is None:
        return ""
    within = "" if sampler["reach"] is None else ", within {reach} positions".format(**sampler)
    return " of {entropy_bound:g} nats a step".format(**sampler) + within


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
