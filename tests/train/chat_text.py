"""The bundled tokenizer and chat template, for tests of what becomes of documents."""

from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer
from gesso.train.token_texts import DocumentTokenizer
from tests.tiny_model import TEXT_FILES

TOKENIZER = Tokenizer.load(TEXT_FILES)
TEMPLATE = ChatTemplate.load(TEXT_FILES, TOKENIZER)
CANVAS = 16


def document_tokenizer(max_length=256):
    return DocumentTokenizer(TOKENIZER, TEMPLATE, canvas_length=CANVAS, max_length=max_length)


def turns(*contents):
    """A conversation: user and model in turn, the user first."""
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(contents)]}
