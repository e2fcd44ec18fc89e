"""What an operator watches, in the format of Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gesso.lm.generation import Generation

_SECONDS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_STEPS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 40, 48, 64)
_TOKENS_PER_FORWARD = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128)


class Metrics:
    """The figures of one server. Text is never among them."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "gesso_http_requests", "Requests answered.", ("method", "path", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "gesso_http_request_seconds",
            "From a request to the end of its answer.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.prompt_tokens = Counter("gesso_prompt_tokens", "Tokens of prompts.", registry=registry)
        self.completion_tokens = Counter("gesso_completion_tokens", "Tokens emitted.", registry=registry)
        self.texts = Counter("gesso_texts", "Texts finished.", ("reason",), registry=registry)
        self.texts_left_off = Counter("gesso_texts_left_off", "Texts that failed or were cancelled.", registry=registry)
        self.canvases = Counter("gesso_canvases", "Canvases committed.", ("converged",), registry=registry)
        self.steps = Histogram(
            "gesso_denoising_steps_per_canvas", "Steps that a canvas took.", buckets=_STEPS, registry=registry
        )
        self.tokens_per_forward = Histogram(
            "gesso_tokens_per_forward",
            "Tokens of a text for each pass of the network.",
            buckets=_TOKENS_PER_FORWARD,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "gesso_queue_seconds", "From a request to its first step.", buckets=_SECONDS, registry=registry
        )
        self.first_commit_seconds = Histogram(
            "gesso_first_commit_seconds",
            "From a request to the first text that is final.",
            buckets=_SECONDS,
            registry=registry,
        )

    def watch(self, name: str, meaning: str, measure: Callable[[], float]) -> None:
        """Add a gauge that is read when it is asked for."""
        Gauge(name, meaning, registry=self._registry).set_function(measure)

    def watch_count(self, name: str, meaning: str, measure: Callable[[], float]) -> None:
        """Add a counter that is kept elsewhere, and read when it is asked for."""
        self._registry.register(_Watched(name, meaning, measure))

    def count(self, result: Generation) -> None:
        """Count a finished text; its prompt is counted where it is read."""
        self.texts.labels(result.finish_reason).inc()
        self.completion_tokens.inc(len(result.token_ids))
        self.tokens_per_forward.observe(result.tokens_per_forward)

    def exposition(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self._registry)


class _Watched(Collector):
    """A counter that somebody else counts."""

    def __init__(self, name: str, meaning: str, measure: Callable[[], float]) -> None:
        self._name = name
        self._meaning = meaning
        self._measure = measure

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._meaning, value=self._measure())
