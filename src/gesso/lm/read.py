"""Reading decisions off a canvas: a template is pinned, its slots are noise, and the network tells what belongs there.

No text is written. In one pass the network gives, at every slot at once, a probability to every token; those of the
labels are kept. A label of several tokens is read by the chain rule: its second token with the first one pinned, and so
on, in further rows of the same batch. Noise is random, so the passes are repeated with several draws of it, and the
probabilities averaged.

A canvas has one width for each slot, so labels of one slot that differ in their number of tokens cannot be compared
there. Left to right they can: each label is judged with the text that follows it up to the next slot, and the likeliest
one stands there when the next slot is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import PromptError, SettingError
from gesso.lm.encoded_text import EncodedText
from gesso.lm.marks import BLANK, split_at_blanks
from gesso.model.network import Network
from gesso.sampling.draws import canvas_generator, draw_canvas
from gesso.text.tokenizer import Tokenizer

READERS = ("canvas", "left_to_right")
"""How slots may be read."""

ROWS_AT_ONCE = 8
"""Canvases that are read in one pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotReading:
    """What belongs into a slot.

    Attributes:
        probabilities: Of each label, in the order in which they were given; they add up to 1.
        mass: What the labels had together before they were made to add up to 1: near 0, none of them belongs there.
    """

    probabilities: dict[str, float]
    mass: float

    @property
    def choice(self) -> str:
        """The likeliest label; of equals the first."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A template that was read.

    Attributes:
        text: The template with the likeliest label in each slot.
        slots: What belongs into each, in order.
        seed: Repeats the result.
    """

    text: str
    slots: tuple[SlotReading, ...]
    seed: int

    def facts(self) -> dict[str, Any]:
        """The reading as JSON, probabilities to six digits."""
        slots = [
            {
                "choice": slot.choice,
                "probabilities": {label: round(p, 6) for label, p in slot.probabilities.items()},
                "mass": round(slot.mass, 6),
            }
            for slot in self.slots
        ]
        return {"text": self.text, "slots": slots, "seed": self.seed}


def read(
    network: Network,
    tokenizer: Tokenizer,
    context: Sequence[int],
    end: Sequence[int],
    template: str,
    choices: Sequence[str] | Sequence[Sequence[str]],
    *,
    by: str,
    num_draws: int,
    seed: int,
) -> Reading:
    """Read the slots of `template`; see `LanguageModel.read`.

    Args:
        network: In eval mode.
        tokenizer: Its tokens.
        context: Tokens before the template.
        end: Tokens behind it; the last of them fills the canvas.
        template: Its slots are blanks.
        choices: Labels of all slots, or of each.
        by: One of `READERS`.
        num_draws: Draws of noise.
        seed: Of the noise.
    """
    if num_draws < 1:
        raise SettingError(f"num_draws is {num_draws}; give 1 or more")
    if by not in READERS:
        raise SettingError(f"by is {by!r}; give one of {', '.join(READERS)}")
    pieces = split_at_blanks(template)
    if len(pieces) == 1:
        raise PromptError(f"the template has no slot; mark at least one, as {BLANK}")
    labels = _labels_of_slots(choices, len(pieces) - 1)
    # A word's token begins with the space before it.
    kept = [*(piece.rstrip(" ") for piece in pieces[:-1]), pieces[-1]]
    spaces = [" " * (len(piece) - len(words)) for piece, words in zip(pieces[:-1], kept, strict=False)]
    spelled = [[tokenizer.encode(s + label) for label in some] for s, some in zip(spaces, labels, strict=True)]
    ids = [tokenizer.encode(piece) for piece in kept]
    longest = len(context) + sum(map(len, ids)) + sum(max(map(len, some)) for some in spelled) + len(end)
    if longest > network.config.max_position_embeddings:
        raise PromptError(
            f"prompt and template have {longest} tokens, more than the context of "
            f"{network.config.max_position_embeddings}; shorten them"
        )
    ids[-1] += end
    if by == "canvas":
        _check_widths(labels, spelled)
        before = EncodedText(network, [*context, *ids[0]])
        found = _read_canvas(before, ids[1:], spelled, num_draws=num_draws, seed=seed)
    else:
        found = _read_left_to_right(EncodedText(network, [*context, *ids[0]]), ids[1:], spelled)
    slots = tuple(_normalized(some, logs) for some, logs in zip(labels, found, strict=True))
    chosen = [part for piece, slot in zip(pieces, slots, strict=False) for part in (piece, slot.choice)]
    return Reading(text="".join([*chosen, pieces[-1]]), slots=slots, seed=seed)


@dataclass(frozen=True)
class _Logs:
    """Of the labels of one slot: weights, up to a constant factor, and probabilities as they are; as logarithms."""

    weights: Float[Tensor, " _"]
    probabilities: Float[Tensor, " _"]


def _normalized(labels: Sequence[str], logs: _Logs) -> SlotReading:
    probabilities = logs.weights.double().softmax(0).tolist()
    return SlotReading(
        probabilities=dict(zip(labels, probabilities, strict=True)),
        mass=min(1.0, logs.probabilities.double().exp().sum().item()),
    )


def _labels_of_slots(choices: Sequence[str] | Sequence[Sequence[str]], num_slots: int) -> list[list[str]]:
    if isinstance(choices, str):
        raise SettingError(f"the choices are the text {choices!r}; give a list of labels")
    shared = all(isinstance(one, str) for one in choices)
    slots = [list(choices)] * num_slots if shared else [list(one) for one in choices]
    if len(slots) != num_slots:
        raise SettingError(
            f"there are {num_slots} slots and {len(slots)} lists of choices; give one list for all, or one for each"
        )
    for labels in slots:
        if len(labels) < 2 or len(set(labels)) != len(labels) or not all(labels):
            raise SettingError(f"the choices are {labels}; give at least two labels, all different and none empty")
    return slots


def _check_widths(labels: Sequence[Sequence[str]], spelled: Sequence[Sequence[Sequence[int]]]) -> None:
    for slot, (names, tokens) in enumerate(zip(labels, spelled, strict=True), start=1):
        for name, ids in zip(names, tokens, strict=True):
            if len(ids) != len(tokens[0]):
                raise SettingError(
                    f"slot {slot}: {names[0]!r} has {len(tokens[0])} tokens and {name!r} has {len(ids)}; on a canvas "
                    "all labels of a slot have equally many: choose others, or read left to right"
                )


@torch.no_grad()
def _read_left_to_right(
    before: EncodedText, after: Sequence[Sequence[int]], spelled: Sequence[Sequence[Sequence[int]]]
) -> list[_Logs]:
    found = []
    for labels, following in zip(spelled, after, strict=True):
        nats = before.surprises([[*label, *following] for label in labels])
        weights = torch.stack([-one.sum() for one in nats])
        own = torch.stack([-one[: len(label)].sum() for one, label in zip(nats, labels, strict=True)])
        found.append(_Logs(weights=weights, probabilities=own))
        before.extend([*labels[int(weights.argmax())], *following])
    return found


@torch.no_grad()
def _read_canvas(
    before: EncodedText,
    after: Sequence[Sequence[int]],
    spelled: Sequence[Sequence[Sequence[int]]],
    *,
    num_draws: int,
    seed: int,
) -> list[_Logs]:
    network = before.network
    length, vocab_size = network.config.canvas_length, network.config.vocab_size
    layout: list[int | None] = []
    starts = []
    for labels, following in zip(spelled, after, strict=True):
        starts.append(len(layout))
        layout += [*[None] * len(labels[0]), *following]
    if starts[-1] + len(spelled[-1][0]) > length:
        raise PromptError(
            f"the slots of the template are spread over {starts[-1] + len(spelled[-1][0])} tokens and a canvas has "
            f"{length}; shorten the text between them, or read left to right"
        )
    layout = (layout + [after[-1][-1]] * length)[:length]
    noise = draw_canvas(
        [canvas_generator(seed, draw) for draw in range(num_draws)],
        canvas_length=length,
        vocab_size=vocab_size,
        device=torch.device("cpu"),
    )
    # What is pinned in one slot besides the template: nothing, which serves all slots, or the beginning of a label.
    prefixes = {
        (slot, tuple(label[:n]))
        for slot, labels in enumerate(spelled)
        for label in labels
        for n in range(1, len(label))
    }
    views = [(0, ()), *sorted(prefixes)]
    rows = []
    for slot, prefix in views:
        pinned = list(layout)
        pinned[starts[slot] : starts[slot] + len(prefix)] = prefix
        rows += [[n if p is None else p for n, p in zip(drawn, pinned, strict=True)] for drawn in noise.tolist()]
    places = [place for place, token in enumerate(layout) if token is None]
    predicted = _predict(before, rows, places)

    found = []
    for slot, labels in enumerate(spelled):
        logs = torch.zeros(len(labels), num_draws, dtype=torch.float64)
        for i, label in enumerate(labels):
            for n, token in enumerate(label):
                view = views.index((slot, tuple(label[:n]))) if n else 0
                logs[i] += predicted[view * num_draws : (view + 1) * num_draws, places.index(starts[slot] + n), token]
        mean = logs.logsumexp(1) - torch.tensor(float(num_draws)).log()
        found.append(_Logs(weights=mean, probabilities=mean))
    return found


def _predict(before: EncodedText, rows: list[list[int]], places: list[int]) -> Float[Tensor, "R P V"]:
    """Log-probabilities of every token at some places of canvases, at temperature 1."""
    network = before.network
    found = []
    for first in range(0, len(rows), ROWS_AT_ONCE):
        canvas = torch.tensor(rows[first : first + ROWS_AT_ONCE], device=network.device)
        hidden = network.denoise_hidden(canvas, before.caches(len(canvas)))
        found.append(network.head(hidden[:, places]).log_softmax(-1).cpu())
    return torch.cat(found)
