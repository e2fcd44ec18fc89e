"""Facts that every answer carries: its id, its time, its model, and what it took."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from gesso.lm.generation import Generation
from gesso.lm.language_model import LanguageModel
from gesso.server.progress import Ended
from gesso.server.reply_parts import reply_parts
from gesso.server.service import Service, service_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What all pieces of an answer repeat.

    Attributes:
        kind: OpenAI's word for the object.
        service: What answers.
        id: Names the answer.
        created: When, in seconds since 1970.
    """

    kind: str
    service: Service
    id: str
    created: int = field(default_factory=lambda: int(time.time()))

    def wrap(self, **fields: Any) -> dict[str, Any]:
        """Put fields into the envelope."""
        return {
            "id": self.id,
            "object": self.kind,
            "created": self.created,
            "model": self.service.name,
            "system_fingerprint": self.service.fingerprint,
            **fields,
        }


def new_id(prefix: str) -> str:
    """A name that nobody guesses."""
    return f"{prefix}_{secrets.token_hex(12)}"


def usage(lm: LanguageModel, ended: Sequence[Ended], *, num: int = 1) -> dict[str, Any]:
    """What texts took, in OpenAI's words and ours. Tokens count to the stop, not to the end of the canvas.

    Args:
        lm: What wrote them.
        ended: The texts, all of one prompt after all of another.
        num: Texts of each prompt; their prompt counts once.
    """
    results = [item.result for item in ended]
    prompt_tokens = sum(result.prompt_tokens for result in results[::num])
    completion_tokens = sum(len(result.token_ids) for result in results)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens_details": {
            "reasoning_tokens": sum(reasoning_tokens(lm, result.token_ids) for result in results),
            "accepted_prediction_tokens": sum(item.accepted for item in ended),
            "rejected_prediction_tokens": sum(item.rejected for item in ended),
        },
        "diffusion": {
            "seeds": [result.seed for result in results],
            "steps": [result.steps for result in results],
            "tokens_per_forward": [round(result.tokens_per_forward, 3) for result in results],
        },
    }


def reasoning_tokens(lm: LanguageModel, token_ids: Sequence[int]) -> int:
    """Tokens of a reply that are thought: those from the opening of a channel to its end."""
    return reply_parts(lm.tokenizer, token_ids).count("thought")


def note(request: Request, results: Sequence[Generation], *, num: int = 1) -> None:
    """Leave the facts of an answer for the log and the metrics."""
    prompt_tokens = sum(result.prompt_tokens for result in results[::num])
    service_of(request).metrics.prompt_tokens.inc(prompt_tokens)
    request.scope.setdefault("facts", {}).update(
        prompt_tokens=prompt_tokens,
        completion_tokens=sum(len(result.token_ids) for result in results),
        steps=sum(sum(result.steps) for result in results),
    )
