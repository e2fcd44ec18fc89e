"""Documents as token ids: what is given, what is to be learnt, and how a long text is cut.

conversation    every turn of the model is a text of its own: [bos, the turns before it] [its answer, end of turn, eos]
continuation    [bos, prompt] [response, eos]
passage         [bos] [text, eos]; cut into windows where it is longer than the limit
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gesso.errors import DataError, GessoError, SettingError
from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer
from gesso.train.documents import Continuation, Conversation, Document, Passage
from gesso.train.examples import Example, lay_out

BEGINNINGS = 0.5
"""Share of draws of a passage that begin at its first token; the others begin within its first canvas length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenText:
    """Token ids of one text to learn.

    Attributes:
        context: What is given.
        response: What is learnt; ends with eos unless it was cut there.
        is_movable: The border between the two may be moved to the right: the text is a passage from its beginning.
    """

    context: Sequence[int]
    response: Sequence[int]
    is_movable: bool = False

    def __len__(self) -> int:
        return len(self.context) + len(self.response)

    def example(self, *, canvas_length: int, eos_id: int, rng: random.Random) -> Example:
        """Lay the text out in canvases.

        A movable border is drawn anew each time, so that a model learns to go on from any place. A text that was cut
        is not filled up with eos, for it does not end there: what does not fill a canvas is left out.

        Args:
            canvas_length: C.
            eos_id: Fills the last canvas of a text that ends.
            rng: Draws the border.
        """
        context, response = [*self.context], [*self.response]
        is_cut = response[-1] != eos_id
        if self.is_movable and rng.random() >= BEGINNINGS:
            kept = canvas_length if is_cut else 1
            border = rng.randrange(min(canvas_length, len(response) - kept + 1))
            context, response = context + response[:border], response[border:]
        if is_cut:
            response = response[: len(response) // canvas_length * canvas_length]
        return lay_out(context, response, canvas_length=canvas_length, eos_id=eos_id, max_canvases=len(response))


class DocumentTokenizer:
    """Turns documents into token texts of at most `max_length` tokens, the last canvas counted whole.

    Args:
        tokenizer: Text to token ids.
        template: The chat format.
        canvas_length: C.
        max_length: Longest text that may be learnt. Passages are cut to it; anything else that is longer is refused.

    Raises:
        SettingError: The limit leaves no room for a context and a canvas.
    """

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, *, canvas_length: int, max_length: int) -> None:
        if max_length <= 2 * canvas_length:
            raise SettingError(
                f"the longest text is {max_length} tokens; give more than {2 * canvas_length}, two canvases"
            )
        self._tokenizer = tokenizer
        self._template = template
        self._canvas_length = canvas_length
        self._max_length = max_length
        self._end_of_turn = [tokenizer.token_id("<turn|>"), tokenizer.eos_id]

    def tokenize(self, document: Document) -> list[TokenText]:
        """Turn a document into one text or more.

        Raises:
            DataError: It does not fit, or the chat template refuses it. The message does not name the place.
        """
        try:
            if isinstance(document, Conversation):
                return self._conversation(document)
            if isinstance(document, Continuation):
                return [self._continuation(document)]
            return self._passage(document)
        except DataError:
            raise
        except GessoError as error:
            raise DataError(str(error)) from error

    def _conversation(self, conversation: Conversation) -> list[TokenText]:
        texts = []
        for index, message in enumerate(conversation.messages):
            if message.role == "model":
                text = TokenText(
                    context=self._template.encode(conversation.messages[:index]),
                    response=self._tokenizer.encode(message.content.strip()) + self._end_of_turn,
                )
                texts.append(self._checked(text, f"message {index} with what comes before it"))
        return texts

    def _continuation(self, continuation: Continuation) -> TokenText:
        text = TokenText(
            context=self._tokenizer.encode(continuation.prompt, add_bos=True),
            response=[*self._tokenizer.encode(continuation.response), self._tokenizer.eos_id],
        )
        return self._checked(text, "prompt and response")

    def _checked(self, text: TokenText, what: str) -> TokenText:
        canvases = -(-len(text.response) // self._canvas_length)
        needed = len(text.context) + canvases * self._canvas_length
        if needed > self._max_length:
            raise DataError(
                f"{what} take {needed:,} tokens in whole canvases and the limit is {self._max_length:,}; shorten the "
                "text, or raise the limit (--max-length)"
            )
        return text

    def _passage(self, passage: Passage) -> list[TokenText]:
        """The first window has room for a border anywhere in its first canvas; later ones follow a canvas of text."""
        length, bos = self._canvas_length, [self._tokenizer.bos_id]
        tokens = [*self._tokenizer.encode(passage.text), self._tokenizer.eos_id]
        first = (self._max_length // length - 1) * length
        later = (self._max_length - 1) // length * length - length
        windows = [TokenText(context=bos, response=tokens[:first], is_movable=True)]
        for start in range(first, len(tokens), later):
            windows.append(
                TokenText(context=bos + tokens[start - length : start], response=tokens[start : start + later])
            )
        return windows
