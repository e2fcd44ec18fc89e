"""A model class for EleutherAI's lm-evaluation-harness, registered there as "gesso".

    python -m gesso.evals.harness run --model gesso --model_args model=bundled,mode=bound --tasks arc_easy

Only this file needs the package lm-eval.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

import gesso
from gesso.engine.request import Request
from gesso.errors import SettingError
from gesso.evals.canvases import write_requests
from gesso.evals.likelihood import LeftToRight, read_left_to_right
from gesso.lm.text_bound import bound_examples
from gesso.sampling.settings import SamplerSettings
from gesso.text.message import Message
from gesso.train.examples import Example, lay_out

try:
    import lm_eval.models  # noqa: F401, the registry reads its own models only as long as it is empty
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.registry import register_model
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
except ImportError as error:
    raise ImportError("the class for lm-eval needs that package; install it with: pip install lm-eval") from error

MODES = ("autoregressive", "bound")

# Settings of a generation that mean nothing to a canvas while they have these values.
_IDLE = {"top_p": (None, 1, 1.0), "top_k": (None, 0, 50), "num_beams": (None, 1), "num_return_sequences": (None, 1)}

_Encoded = tuple[tuple[str, str], list[int], list[int]]


@register_model("gesso")
class HarnessModel(TemplateLM):
    """What the harness asks of a model.

    Likelihoods are read left to right ("autoregressive"), or are the diffusion bound of a continuation and its end
    ("bound"): a random estimate that, as a likelihood, errs on the low side. Whether a continuation is the greedy one
    is always read left to right.

    Texts are written with the model's own sampler and mode, for a canvas needs its noise: of what a task asks for, a
    temperature above 0 is followed, and do_sample is not.
    """

    def __init__(
        self,
        model: str | gesso.LanguageModel = "bundled",
        *,
        mode: str = "autoregressive",
        num_samples: int = 32,
        steps: int | None = None,
        max_new_tokens: int | None = None,
        seed: int = 0,
        dtype: str = "auto",
        device: str = "cpu",
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: What `gesso.load` takes, or what it returns.
            mode: How likelihoods are found: "autoregressive" or "bound".
            num_samples: Noisy copies of each canvas, for the bound.
            steps: Most denoising steps of a canvas; None for the model's own.
            max_new_tokens: Tokens to write where a task does not say; None for the model's own.
            seed: Source of all noise.
            dtype: "auto", "float32" or "bfloat16".
            device: Where the network runs.
            batch_size: The harness gives one; batches are chosen by size of the logits here, and it is not needed.
            max_batch_size: The same.

        Raises:
            SettingError: There is no such mode or dtype.
            GessoError: The model cannot be loaded.
        """
        super().__init__()
        if mode not in MODES:
            raise SettingError(f"mode is {mode!r}; use one of {', '.join(MODES)}")
        dtypes = {"auto": None, "float32": torch.float32, "bfloat16": torch.bfloat16}
        if dtype not in dtypes:
            raise SettingError(f"dtype is {dtype!r}; use one of {', '.join(dtypes)}")
        is_loaded = isinstance(model, gesso.LanguageModel)
        self._lm = model if is_loaded else gesso.load(model, dtype=dtypes[dtype], device=device)
        self._mode = mode
        self._num_samples = num_samples
        self._sampler = self._lm.sampler.with_overrides(steps=steps)
        self._max_new_tokens = self._lm.max_new_tokens if max_new_tokens is None else max_new_tokens
        self._seed = seed

    @property
    def eot_token_id(self) -> int:
        """End of the sequence."""
        return self._lm.tokenizer.eos_id

    @property
    def prefix_token_id(self) -> int:
        """What a text without context follows: the beginning of the sequence."""
        return self._lm.tokenizer.bos_id

    @property
    def tokenizer_name(self) -> str:
        """Name of the model, for caches of the harness."""
        return self._lm.name.replace("/", "__")

    def chat_template(self, chat_template: bool | str = False) -> str:
        """The source of the model's chat template, for caches of the harness."""
        return self._lm.template.source

    def apply_chat_template(self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
        """Write a conversation as the model's template does."""
        turns = [Message(role=turn["role"], content=turn["content"]) for turn in chat_history]
        return self._lm.template.render(turns, add_generation_prompt=add_generation_prompt)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Token ids of a text, after the bos token unless it is not wanted.

        A text that begins with the bos token's own name was written by the chat template: its control tokens are read
        as such. In other texts they are mere characters.
        """
        tokenizer = self._lm.tokenizer
        if string.startswith(tokenizer.token_text(tokenizer.bos_id)):
            return tokenizer.encode(string, allow_special=True)
        return tokenizer.encode(string, add_bos=add_special_tokens is not False)

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """Log-likelihood of whole texts after the bos token; one that exceeds the context is read in pieces."""
        if self._mode == "bound":
            return [-sum(self._bound(self._pieces(request.args[0]))) for request in requests]
        room = self._lm.network.config.max_position_embeddings - 1
        found: list[float] = []
        for request in requests:
            tokens = self._lm.tokenizer.encode(request.args[0])
            windows = get_rolling_token_windows(tokens, self.prefix_token_id, max_seq_len=room, context_len=1)
            pairs = [make_disjoint_window(window) for window in windows]
            found.append(-sum(one.nats for one in read_left_to_right(self._lm.network, pairs)))
        return found

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """Write a continuation of each context, up to the first of its stop strings.

        Raises:
            SettingError: A task asks for a way of sampling that a canvas does not have.
        """
        noise = random.Random(self._seed)
        wanted = [(self.tok_encode(context), *self._read_settings(given)) for context, given in map(_args, requests)]
        texts = [""] * len(requests)
        for sampler in dict.fromkeys(sampler for _, sampler, _, _ in wanted):
            numbers = [i for i, one in enumerate(wanted) if one[1] == sampler]
            together = [
                self._request(wanted[i][0], sampler, max_new_tokens=wanted[i][2], seed=noise.getrandbits(48))
                for i in numbers
            ]
            for place, written in write_requests(self._lm.network, together):
                number = numbers[place]
                text = self._lm.tokenizer.decode(written.token_ids)
                texts[number] = _before(text, wanted[number][3])
        return texts

    def _loglikelihood_tokens(self, requests: Sequence[_Encoded], **_: Any) -> list[tuple[float, bool]]:
        room = self._lm.network.config.max_position_embeddings
        pairs = [(context[-(room - len(continuation)) :], continuation) for _, context, continuation in requests]
        read: list[LeftToRight] = list(read_left_to_right(self._lm.network, pairs))
        if self._mode == "autoregressive":
            return [(-one.nats, one.is_greedy) for one in read]
        examples = [self._example(context, continuation) for context, continuation in pairs]
        return [(-nats, one.is_greedy) for nats, one in zip(self._bound(examples), read, strict=True)]

    def _bound(self, examples: Sequence[Example]) -> list[float]:
        # Each with a generator of its own: equal continuations of equal contexts get equal bounds.
        return [
            bound_examples(
                self._lm.network,
                [example],
                generator=torch.Generator().manual_seed(self._seed),
                num_samples=self._num_samples,
            ).nats.item()
            for example in examples
        ]

    def _example(self, context: Sequence[int], continuation: Sequence[int]) -> Example:
        config = self._lm.network.config
        tokens = [*continuation, self.eot_token_id]
        canvases = -(-len(tokens) // config.canvas_length)
        room = config.max_position_embeddings - canvases * config.canvas_length
        return lay_out(
            context[-room:],
            tokens,
            canvas_length=config.canvas_length,
            eos_id=self.eot_token_id,
            max_canvases=canvases,
        )

    def _pieces(self, text: str) -> list[Example]:
        """A text on canvases; where the context is full, the next piece begins anew after the bos token."""
        config = self._lm.network.config
        tokens = self._lm.tokenizer.encode(text)
        room = (config.max_position_embeddings - 1) // config.canvas_length * config.canvas_length
        starts = range(0, max(1, len(tokens)), room - 1)
        return [self._example([self.prefix_token_id], tokens[start : start + room - 1]) for start in starts]

    def _read_settings(self, given: Mapping[str, Any]) -> tuple[SamplerSettings, int, tuple[str, ...]]:
        """Sampler, length and stop strings of what a task asks for."""
        rest = dict(given)
        until = rest.pop("until", None) or ()
        lengths = [rest.pop(name, None) for name in ("max_gen_toks", "max_new_tokens", "max_tokens")]
        max_new_tokens = next((length for length in lengths if length), self._max_new_tokens)
        temperature = rest.pop("temperature", None) or None
        rest.pop("do_sample", None)
        for name, value in rest.items():
            if value not in _IDLE.get(name, (None,)):
                raise SettingError(f"a task asks for {name}={value!r}, which a canvas does not have; leave it out")
        sampler = self._sampler.with_overrides(temperature=temperature)
        return sampler, int(max_new_tokens), (until,) if isinstance(until, str) else tuple(until)

    def _request(self, prompt: Sequence[int], sampler: SamplerSettings, *, max_new_tokens: int, seed: int) -> Request:
        config = self._lm.network.config
        room = config.max_position_embeddings - -(-max_new_tokens // config.canvas_length) * config.canvas_length
        return Request(
            prompt_ids=tuple(prompt[-room:]),
            max_new_tokens=max_new_tokens,
            sampler=sampler,
            mode=self._lm.mode,
            seed=seed,
            stop_ids=self._lm.stop_ids,
        )


def _args(request: Instance) -> tuple[str, Mapping[str, Any]]:
    context, given = request.args
    return context, given if isinstance(given, Mapping) else asdict(given)


def _before(text: str, stops: Sequence[str]) -> str:
    return text[: min((text.find(stop) for stop in stops if stop and stop in text), default=len(text))]


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
