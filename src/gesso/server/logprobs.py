"""Log-probabilities of written tokens in OpenAI's words: those of `gesso.sampling.log_probabilities`."""

from itertools import accumulate
from typing import Any

from pydantic_core import PydanticCustomError

from gesso.lm.generation import Generation
from gesso.lm.language_model import LanguageModel
from gesso.sampling.token_logprob import TokenLogprob


def check_whole(*, asked: bool, **others: object) -> None:
    """Refuse log-probabilities where an answer has no place for them.

    Args:
        asked: Whether they are asked for.
        **others: Parameters that do not go with them.
    """
    for name, given in others.items():
        if asked and given:
            raise PydanticCustomError(
                "invalid_value", f"logprobs and {name} are both given; logprobs come with a whole text: give one"
            )


def chat_logprobs(lm: LanguageModel, result: Generation) -> dict[str, Any] | None:
    """Those of a reply, control tokens included; None if they were not asked for."""
    if not result.logprobs:
        return None
    content = [
        {
            "token": text,
            "logprob": round(one.last, 4),
            "accepted_logprob": None if one.accepted is None else round(one.accepted, 4),
            "bytes": list(text.encode()),
            "top_logprobs": [_top(lm, token, logprob) for token, logprob in one.top],
        }
        for text, one in zip(_texts(lm, result), result.logprobs, strict=True)
    ]
    return {"content": content, "refusal": None}


def text_logprobs(lm: LanguageModel, result: Generation, *, start: int) -> dict[str, Any] | None:
    """Those of a text that begins at a character of an answer; None if they were not asked for."""
    if not result.logprobs:
        return None
    texts = _texts(lm, result)
    return {
        "tokens": texts,
        "token_logprobs": [round(one.last, 4) for one in result.logprobs],
        "accepted_logprobs": [None if one.accepted is None else round(one.accepted, 4) for one in result.logprobs],
        "top_logprobs": [_by_text(lm, one) for one in result.logprobs] if result.logprobs[0].top else None,
        "text_offset": list(accumulate(map(len, texts[:-1]), initial=start)),
    }


def _top(lm: LanguageModel, token: int, logprob: float) -> dict[str, Any]:
    text = _text(lm, token)
    return {"token": text, "logprob": round(logprob, 4), "bytes": list(text.encode())}


def _by_text(lm: LanguageModel, one: TokenLogprob) -> dict[str, float]:
    """The likeliest tokens; of those with the same text the likeliest."""
    return {_text(lm, token): round(logprob, 4) for token, logprob in reversed(one.top)}


def _texts(lm: LanguageModel, result: Generation) -> list[str]:
    return [_text(lm, token) for token in result.token_ids]


def _text(lm: LanguageModel, token: int) -> str:
    return lm.tokenizer.decode([token], skip_special=False)
