import random
from pathlib import Path

import pytest

import gesso
from gesso.server.reply_stream import ReplyPiece, ReplyStream
from gesso.text.chat import ChatTemplate
from gesso.text.message import ToolCall
from gesso.text.tokenizer import Tokenizer

FOLDER = Path(gesso.__file__).parent / "bundled"
TOKENIZER = Tokenizer.load(FOLDER)
TEMPLATE = ChatTemplate.load(FOLDER, TOKENIZER)

CALL = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>,days:2}<tool_call|>'
REPLIES = [
    "A plain reply, with  spaces and a last one. ",
    "<|channel>thought\nFirst I think.\n\nThen again.<channel|>Now I say it.<turn|>noise after the end",
    "Let me see." + CALL,
    CALL + CALL + "<turn|>",
    "<|channel>thought\nWhich city?<channel|>Wait. " + CALL,
    "A face \N{GRINNING FACE} and \N{CYRILLIC SMALL LETTER YA} in it.",
    "It says <|tool_call>nothing that can be read<tool_call|> at all.",
    "",
]


def ids_of(text):
    return TOKENIZER.encode(text, allow_special=True)


def pieces(ids, cuts, stop=()):
    """What a stream tells if canvases end at these places."""
    stream = ReplyStream(TEMPLATE, TOKENIZER, stop=stop)
    told = [stream.update(ids[:cut], finished=False) for cut in sorted(cuts)]
    return [*told, stream.update(ids, finished=True)]


def joined(told):
    return ReplyPiece(
        content="".join(piece.content for piece in told),
        thought="".join(piece.thought for piece in told),
        tool_calls=tuple(call for piece in told for call in piece.tool_calls),
    )


@pytest.mark.parametrize("reply", REPLIES)
def test_wherever_canvases_end_the_pieces_are_the_whole_reply(reply):
    ids = ids_of(reply)
    whole = TEMPLATE.parse_reply(ids)
    random_cuts = [random.Random(seed).sample(range(len(ids) + 1), min(3, len(ids))) for seed in range(5)]
    for cuts in ([], range(len(ids) + 1), *random_cuts):
        told = joined(pieces(ids, cuts))
        assert (told.content, told.thought, told.tool_calls) == (whole.content, whole.thought, whole.tool_calls)


def test_a_call_is_told_once_and_when_it_is_closed():
    ids = ids_of("Hm." + CALL + " Done.")
    told = pieces(ids, range(len(ids) + 1))
    (index,) = [number for number, piece in enumerate(told) if piece.tool_calls]
    assert ids[index - 1] == TOKENIZER.token_id("<tool_call|>")
    assert told[index].tool_calls == (ToolCall("weather", {"city": "Oslo", "days": 2}),)


def test_no_half_character_is_ever_told():
    ids = ids_of("\N{GRINNING FACE}" * 3)
    assert len(ids) > 3, "the tokens hold parts of characters"
    assert all("\ufffd" not in piece.content for piece in pieces(ids, range(len(ids) + 1)))


def test_a_stop_string_never_shows_however_the_canvases_cut_it():
    ids = ids_of("One. STOP two.")
    told = pieces(ids, range(len(ids) + 1), stop=("STOP",))
    assert joined(told).content == "One. "
    assert not any("S" in piece.content for piece in told)


def test_a_thought_that_was_never_closed_gives_its_last_paragraph_to_the_answer():
    ids = ids_of("<|channel>thought\nI wonder.\n\nIt is blue.")
    told = joined(pieces(ids, range(len(ids) + 1)))
    assert told.content == "It is blue."
    assert told.thought.startswith("I wonder.")


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("stop", [(), ("Now", "city"), ("\N{GRINNING FACE} and no",)])
def test_what_the_first_tokens_say_has_been_told_exactly_if_it_is_in_the_pieces(reply, stop):
    ids = ids_of(reply)
    stream, said = ReplyStream(TEMPLATE, TOKENIZER, stop=stop), ""
    for cut in range(0, len(ids) + 1, 3):
        said += stream.update(ids[:cut], finished=False).content
        told = [count for count in range(cut + 1) if stream.has_told(ids[:count])]
        for count in told:
            assert said.startswith(TEMPLATE.parse_reply(ids[:count], finished=False).content)
        if not stop and cut in told:
            assert said == TEMPLATE.parse_reply(ids[:cut], finished=False).content


def test_what_turns_out_to_be_thought_does_not_hold_up_the_answer():
    ids = ids_of("I was thinking.<channel|>The answer.")
    told = pieces(ids, [2, len(ids)])
    assert joined(told).content.endswith("The answer.")
