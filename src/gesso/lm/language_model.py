"""Text in, text out: a network, its tokenizer and its chat format, as one object."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

from gesso.constrain.reply_rule import AfterThought
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import Event
from gesso.engine.request import Mode, Request
from gesso.errors import SettingError
from gesso.lm.about import About
from gesso.lm.candidates import likeliest, seeds
from gesso.lm.edit import Edit, Span, edit
from gesso.lm.generation import Generation
from gesso.lm.holes import HOLE_STEPS
from gesso.lm.infill import Infill, infill
from gesso.lm.prompt import Prompt, draft_of, is_one, prompt_ids
from gesso.lm.read import Reading, read
from gesso.lm.rules import Rules, rule_of
from gesso.lm.score import Score, score
from gesso.lm.together import write_together
from gesso.lm.writing import Writing
from gesso.model.network import Network
from gesso.sampling.filters import Filters
from gesso.sampling.named import REFERENCE
from gesso.sampling.settings import SamplerSettings
from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """A model that writes text. `gesso.load` makes one.

    Attributes:
        name: What the model was loaded as.
        network: The network.
        tokenizer: Text to token ids and back.
        template: The chat format.
        sampler: The model's own sampler settings, from its generation_config.json.
        mode: How it writes its canvases unless asked otherwise, from its gesso.json.
        about: What its makers say of it, from its gesso.json.
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
    mode: Mode = "diffusion"
    about: About = field(default_factory=About)
    engine_settings: EngineSettings = field(default_factory=EngineSettings)

    @cached_property
    def engine(self) -> Engine:
        """What all texts of this model share: one pool of encoded text, and rounds in which many take a step."""
        return Engine(self.network, self.engine_settings)

    @cached_property
    def rules(self) -> Rules:
        """The rules that texts of this model follow; those that were used last stay compiled."""
        return Rules(
            self.tokenizer,
            vocab_size=self.network.config.vocab_size,
            stop_ids=self.stop_ids,
            device=self.network.device,
        )

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
        if is_one(prompt):
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
        sampler: str | None = None,
        mode: Mode | None = None,
        patience: int | None = None,
        slide: int | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        logit_bias: Mapping[int, float] | None = None,
        presence_penalty: float = 0.0,
        frequency_penalty: float = 0.0,
        repetition_penalty: float = 1.0,
        stop: str | Sequence[str] = (),
        thinking: bool = False,
        draft: str | None = None,
        draft_noise: float | None = None,
        alternatives: int = 0,
        logprobs: bool = False,
        top_logprobs: int = 0,
        regex: str | None = None,
        choice: Sequence[str] | None = None,
        json_schema: Mapping[str, Any] | bool | None = None,
        json_object: bool = False,
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
            sampler: Which rule accepts tokens, such as "rising-bound"; "reference" for all settings as published. See
                docs/samplers.md.
            mode: "diffusion" denoises canvases; "verified" also reads each draft from left to right, and paints it
                again from the first fault on; "autoregressive" writes from left to right, token by token. See
                docs/modes.md.
            patience: Steps without progress after which a canvas is given up; 0 for never.
            slide: Settled tokens at the front of a canvas that are committed before the rest is finished; 0 for none.
            top_k: Sample from so many of the likeliest tokens; 0 for all. See docs/filters.md.
            top_p: Sample from the likeliest tokens that have this probability together.
            min_p: Sample from tokens that have this share of the likeliest one's probability.
            logit_bias: Token ids, and what is added to their logits: from -100 (never) to 100 (always).
            presence_penalty: What the logit of a token loses that stands before in the text, from -2 to 2.
            frequency_penalty: What it loses for each time that it stands there, from -2 to 2.
            repetition_penalty: What it is divided by if it stands there or in the prompt; 1 for nothing.
            stop: A string, or several, that end the text and are no part of it.
            thinking: Let the model think first, in a conversation.
            draft: A text to start from instead of noise, all of which may change. See docs/warm_start.md.
            draft_noise: How much of it is noise at the start, from 0 to 1; 0.3 unless given.
            alternatives: Likeliest tokens that each StepDone tells of at every position.
            logprobs: Tell how probable each token was; see docs/read_and_score.md.
            top_logprobs: Tell of so many of the likeliest tokens, too.
            regex: The text matches this regular expression, whole.
            choice: The text is one of these.
            json_schema: The text is the JSON of a value that this schema allows.
            json_object: The text is the JSON of an object. Of these four at most one; see docs/constrain.md.

        Raises:
            PromptError: The prompt is empty, too long, or not a conversation.
            SettingError: A setting is out of its range.
        """
        if isinstance(prompt, str) and thinking:
            raise SettingError(
                "thinking is on, and the prompt is a text to go on from; give a conversation, or leave it off"
            )
        rule = rule_of(regex=regex, choice=choice, json_schema=json_schema, json_object=json_object)
        if rule is not None and stop:
            raise SettingError(f"stop is {stop!r}, and could cut short what {rule.name} asks for; give one of the two")
        if rule is not None and thinking:
            rule = AfterThought(rule=rule)
        request = Request(
            prompt_ids=tuple(prompt_ids(prompt, self.tokenizer, self.template, thinking=thinking)),
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
                sampler=sampler,
                patience=patience,
                slide=slide,
            ),
            seed=secrets.randbits(31) if seed is None else seed,
            stop_ids=self.stop_ids,
            draft=draft_of(self.tokenizer, draft, draft_noise),
            mode=self.mode_for(mode, sampler),
            alternatives=alternatives,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
            filters=Filters(
                top_k=top_k,
                top_p=top_p,
                min_p=min_p,
                bias=tuple((logit_bias or {}).items()),
                presence_penalty=presence_penalty,
                frequency_penalty=frequency_penalty,
                repetition_penalty=repetition_penalty,
            ),
            rule=None if rule is None else self.rules.compiled(rule),
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

        The suffix is pinned in the canvas, as much of it as has room there; holes of several sizes are denoised, and
        the one whose text reads likeliest from left to right is taken; see `gesso.lm.holes`.

        Args:
            prefix: Text before the hole; may be empty.
            suffix: Text after it.
            seed: Repeats the result. None draws one.
            steps: Most denoising steps of each hole; None for 16, or fewer if the model has fewer.
            temperature: As in `start`.
            max_hole_tokens: The largest hole that is tried.

        Raises:
            PromptError: Prefix and suffix are both empty, or the prefix leaves no room in the context.
            SettingError: A setting is out of its range.
        """
        return infill(
            self.network,
            self.tokenizer,
            self._hole_sampler(steps, temperature),
            prefix,
            suffix,
            seed=secrets.randbits(31) if seed is None else seed,
            max_hole_tokens=max_hole_tokens,
        )

    def edit(
        self,
        text: str,
        spans: Sequence[Span],
        *,
        seed: int | None = None,
        steps: int | None = None,
        temperature: float | None = None,
        max_span_tokens: int | None = None,
    ) -> Edit:
        """Write spans of a text anew, and keep every other character.

        The spans become holes, which are filled from the first to the last as `infill` does; each sees the new text of
        those before it, and noise where later ones are still open. See `gesso.lm.holes`.

        Args:
            text: Any text.
            spans: Pairs of the first character and the one after the last; `gesso.lm.marks.read_spans` finds those that
                are marked by [[...]].
            seed: Repeats the result. None draws one.
            steps: Most denoising steps of each hole; None for 16, or fewer if the model has fewer.
            temperature: As in `start`.
            max_span_tokens: The most tokens that a span may have anew; None for twice as many as it has, and 2 more.

        Raises:
            PromptError: There is no span, one is the whole text, or the text has no room in the context.
            SettingError: A span is empty or lies outside, two overlap or touch, or a setting is out of its range.
        """
        return edit(
            self.network,
            self.tokenizer,
            self._hole_sampler(steps, temperature),
            text,
            spans,
            seed=secrets.randbits(31) if seed is None else seed,
            max_span_tokens=max_span_tokens,
        )

    def read(
        self,
        template: str,
        choices: Sequence[str] | Sequence[Sequence[str]],
        *,
        prompt: Prompt = "",
        by: str = "canvas",
        num_draws: int = 8,
        seed: int = 0,
    ) -> Reading:
        """Read how likely each label is at each slot of a template, all slots at once; no text is written.

        Args:
            template: A text whose slots are blanks, marked ___.
            choices: The labels of all slots, or a list of labels for each.
            prompt: A text that the template goes on from, or a conversation that it answers; may be empty.
            by: "canvas" reads all slots in one pass, from noise; labels of a slot must have equally many tokens.
                "left_to_right" reads them one after another by the causal mode, and takes labels of any length.
            num_draws: Draws of noise that the probabilities are averaged over; only for the canvas.
            seed: Of the noise.

        Raises:
            PromptError: The template has no slot, its slots do not fit a canvas, or it exceeds the context.
            SettingError: The choices do not fit the slots, or a setting is out of its range.
        """
        end = [self.tokenizer.eos_id]
        if isinstance(prompt, str):
            context = self.tokenizer.encode(prompt, add_bos=True)
        else:
            context = prompt_ids(prompt, self.tokenizer, self.template)
            end = [self.tokenizer.token_id("<turn|>"), *end]
        return read(
            self.network, self.tokenizer, context, end, template, choices, by=by, num_draws=num_draws, seed=seed
        )

    def score(self, text: str, *, prompt: str = "", num_samples: int = 32, seed: int = 0) -> Score:
        """Score how likely a text is, token by token from left to right, and by the bound of diffusion.

        Args:
            text: At least one character.
            prompt: Text before it, which is not scored.
            num_samples: Noisy copies of each canvas for the bound; 0 leaves it out.
            seed: Of the noise.

        Raises:
            PromptError: The text is empty, or too long for the context, counted in whole canvases.
            SettingError: A setting is out of its range.
        """
        return score(self.network, self.tokenizer, text, prompt=prompt, num_samples=num_samples, seed=seed)

    def mode_for(self, mode: Mode | None, sampler: str | None) -> Mode:
        """The mode that is asked for, or the model's own; the published sampler knows no mode but diffusion."""
        if mode is not None:
            return mode
        return "diffusion" if sampler == REFERENCE else self.mode

    def _hole_sampler(self, steps: int | None, temperature: float | None) -> SamplerSettings:
        most = min(HOLE_STEPS, self.sampler.max_steps) if steps is None else steps
        return self.sampler.with_overrides(steps=most, temperature=temperature)
