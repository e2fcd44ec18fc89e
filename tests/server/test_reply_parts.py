from pathlib import Path

import gesso
from gesso.server.reply_parts import reply_parts
from gesso.text.tokenizer import Tokenizer

TOKENIZER = Tokenizer.load(Path(gesso.__file__).parent / "bundled")


def parts(text):
    ids = TOKENIZER.encode(text, allow_special=True)
    runs = []
    for token_id, part in zip(ids, reply_parts(TOKENIZER, ids), strict=True):
        piece = TOKENIZER.decode([token_id], skip_special=False)
        if runs and runs[-1][0] == part:
            runs[-1] = (part, runs[-1][1] + piece)
        else:
            runs.append((part, piece))
    return runs


def test_what_opens_and_closes_a_thought_or_a_call_belongs_to_it():
    thought, call = "<|channel>thought\nHm.<channel|>", '<|tool_call>call:f{a:<|"|>b<|"|>}<tool_call|>'
    assert parts(f"{thought}Now.{call} Done.") == [
        ("thought", thought),
        ("content", "Now."),
        ("call", call),
        ("content", " Done."),
    ]


def test_what_is_not_closed_goes_on_until_something_else_opens():
    assert parts("<|channel>thought\nHm.") == [("thought", "<|channel>thought\nHm.")]
    assert [part for part, _ in parts("<|channel>thought\nHm.<|tool_call>call:f{}")] == ["thought", "call"]
    assert parts("") == []
