"""Text in, text out: a network, its tokenizer and its chat format, as one object."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard, overload

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import Event
from gesso.engine.request import Request
from gesso.errors import PromptError, SettingError
from gesso.lm.candidates import likeliest, seeds
from gesso.lm.generation import Generation
from gesso.lm.infill import Infill, infill
from gesso.lm.together import write_together
from gesso.lm.writing import Writing
from gesso.model.network import Network
from gesso.sampling.settings import SamplerSettings
from gesso.text.chat import ChatTemplate
from gesso.text.message import Message
from gesso.text.tokenizer import Tokenizer

Prompt = str | Sequence[Message | Mapping[str, str]]
"""A text to go on from, or a conversation to answer: messages, or dictionaries with "role" and "content"."""


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A model that writes text. `gesso.load` makes one.

    Attributes:
        name: What the model was loaded as.
        network: The network.
        tokenizer: Text to token ids and back.
        template: The chat format.
        sampler: The model's own sampler settings, from its generation_config.json.
        max_new_tokens: How long a text is unless asked otherwise.
        stop_ids: Tokens that end a text.
        engine_settings: How much is written at once. A text that the engine has no room for is written by itself.
    """

    name: str
    network: Network
    tokenizer: Tokenizer
    template: ChatTemplate
    sampler: SamplerSettings
    max_new_tokens: int
    stop_ids: frozenset[int]
    engine_settings: EngineSettings = field(default_factory=EngineSettings)

    @cached_property
    def engine(self) -> Engine:
        """What all texts of this model share: one pool of encoded text, and rounds in which many take a step."""
        return Engine(self.network, self.engine_settings)

    @overload
    def generate(self, prompt: Prompt, *, best_of: int = 1, **settings: Any) -> Generation: ...

    @overload
    def generate(self, prompt: Sequence[Prompt], *, best_of: int = 1, **settings: Any) -> list[Generation]: ...

    def generate(
        self, prompt: Prompt | Sequence[Prompt], *, best_of: int = 1, **settings: Any
    ) -> Generation | list[Generation]:
        """Write a text and return it whole, or many texts, side by side.

        Args:
            prompt: A string is gone on from; a sequence of messages is answered in the model's chat format. A sequence
                of such prompts gives a list of texts, each the one that its prompt alone would give; with a seed, all
                have that seed. All prompts are checked before the first is written.
            best_of: Texts that are written for each prompt, of which the one that reads likeliest from left to right is
                returned. Its own seed repeats it alone.
            **settings: Those of `stream`.

        Raises:
            PromptError: The prompt is empty, too long, or not a conversation.
            SettingError: A setting is out of its range.
            GenerationError: The network's output is not numbers.
        """
        if best_of < 1:
            raise SettingError(f"best_of is {best_of}; give 1 or more")
        if _is_one(prompt):
            return self._generate([prompt], best_of, settings)[0]
        return self._generate(prompt, best_of, settings)

    def _generate(self, prompts: Sequence[Prompt], best_of: int, settings: dict[str, Any]) -> list[Generation]:
        seed = settings.pop("seed", None)
        writings = [self.start(one, seed=each, **settings) for one in prompts for each in seeds(seed, best_of)]
        finished = list(write_together(writings, ahead=2 * self.engine_settings.max_rows))
        candidates = [finished[first : first + best_of] for first in range(0, len(finished), best_of)]
        return [likeliest(self.network, some).result() for some in candidates]

    def stream(self, prompt: Prompt, **settings: Any) -> Iterator[Event]:
        """Write a text and tell how it comes into focus, event by event.

        Args:
            prompt: As in `generate`.
            **settings: Keywords of `start`.

        Yields:
            StepDone for every denoising step, with the draft's text; CanvasCommitted with text that is final; Finished.
        """
        return iter(self.start(prompt, **settings))

    def start(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int | None = None,
        seed: int | None = None,
        steps: int | None = None,
        temperature: float | None = None,
        t_max: float | None = None,
        t_min: float | None = None,
        entropy_bound: float | None = None,
        reach: int | None = None,
        confidence: float | None = None,
        stability: int | None = None,
        stop: str | Sequence[str] = (),
        thinking: bool = False,
    ) -> Writing:
        """Begin to write; nothing runs until the result is iterated. None means the model's own setting.

        Args:
            prompt: As in `generate`.
            max_new_tokens: Most tokens to emit.
            seed: Repeats a text to the token. None draws one, which the result tells.
            steps: Most denoising steps of a canvas.
            temperature: One temperature for all steps; 0 always takes the likeliest token.
            t_max: Temperature of the first step.
            t_min: Temperature that the steps fall towards.
            entropy_bound: How much uncertainty a step may accept, in nats.
            reach: Positions behind the first uncertain one that a step may accept; 0 for all.
            confidence: Mean entropy below which a stable canvas stops, in nats.
            stability: Earlier steps that must have had the same draft.
            stop: A string, or several, that end the text and are no part of it.
            thinking: Let the model think first, in a conversation.

        Raises:
            PromptError: The prompt is empty, too long, or not a conversation.
            SettingError: A setting is out of its range.
        """
        if isinstance(prompt, str) and thinking:
            raise SettingError(
                "thinking is on, and the prompt is a text to go on from; give a conversation, or leave it off"
            )
        request = Request(
            prompt_ids=tuple(
                self._text_ids(prompt) if isinstance(prompt, str) else self._conversation_ids(prompt, thinking)
            ),
            max_new_tokens=self.max_new_tokens if max_new_tokens is None else max_new_tokens,
            sampler=self.sampler.with_overrides(
                steps=steps,
                temperature=temperature,
                t_max=t_max,
                t_min=t_min,
                entropy_bound=entropy_bound,
                reach=reach,
                confidence=confidence,
                stability=stability,
            ),
            seed=secrets.randbits(31) if seed is None else seed,
            stop_ids=self.stop_ids,
        )
        request.check(self.network.config)
        return Writing(
            self.engine if self.engine.has_room(request) else self.network,
            request,
            self.tokenizer,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            template=None if isinstance(prompt, str) else self.template,
        )

    def infill(
        self,
        prefix: str,
        suffix: str,
        *,
        seed: int | None = None,
        steps: int | None = None,
        temperature: float | None = None,
        max_hole_tokens: int = 40,
    ) -> Infill:
        """Write what is missing between two texts.

        The suffix is pinned in the canvas, holes of several sizes are denoised, and the one whose text reads likeliest
        from left to right is taken; see `gesso.lm.infill`.

        Args:
            prefix: Text before the hole; may be empty.
            suffix: Text after it.
            seed: Repeats the result. None draws one.
            steps: Most denoising steps of each hole.
            temperature: As in `start`.
            max_hole_tokens: The largest hole that is tried.

        Raises:
            PromptError: Prefix and suffix are both empty, the suffix leaves no room in a canvas, or the prefix none in
                the context.
            SettingError: A setting is out of its range.
        """
        return infill(
            self.network,
            self.tokenizer,
            self.sampler.with_overrides(steps=steps, temperature=temperature),
            prefix,
            suffix,
            seed=secrets.randbits(31) if seed is None else seed,
            max_hole_tokens=max_hole_tokens,
        )

    def _text_ids(self, prompt: str) -> list[int]:
        if not prompt:
            raise PromptError("the prompt is empty; give the beginning of a text, or a conversation")
        return self.tokenizer.encode(prompt, add_bos=True)

    def _conversation_ids(self, prompt: Sequence[Message | Mapping[str, str]], thinking: bool) -> list[int]:
        return self.template.encode([_as_message(i, turn) for i, turn in enumerate(prompt)], thinking=thinking)


def _is_one(prompt: Prompt | Sequence[Prompt]) -> TypeGuard[Prompt]:
    """Whether it is a text or a conversation; many prompts are a sequence of texts and conversations."""
    if isinstance(prompt, str) or not prompt:
        return True
    return not all(isinstance(one, Sequence) for one in prompt)


def _as_message(index: int, turn: Message | Mapping[str, str]) -> Message:
    if isinstance(turn, Message):
        return turn
    if not isinstance(turn, Mapping) or "role" not in turn or "content" not in turn:
        raise PromptError(f'message {index} is {turn!r}; give a mapping with "role" and "content"')
    surplus = sorted(set(turn) - {"role", "content"})
    if surplus:
        raise PromptError(
            f'message {index} has {surplus[0]!r}; only "role" and "content" are read, use Message for more'
        )
    return Message(role=turn["role"], content=turn["content"])
