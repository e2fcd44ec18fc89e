import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.errors import DataError, SettingError
from gesso.text.message import Message
from gesso.train.documents import Continuation, Passage, parse_document
from gesso.train.token_texts import TokenText
from tests.train.chat_text import CANVAS, TEMPLATE, TOKENIZER, document_tokenizer, turns

EOS = TOKENIZER.eos_id


def tokenize(value, **limits):
    return document_tokenizer(**limits).tokenize(parse_document(value)[0])


def lay_out(text, seed=0):
    return text.example(canvas_length=CANVAS, eos_id=EOS, rng=random.Random(seed))


def test_every_turn_of_the_model_is_learnt_after_what_came_before_it():
    texts = tokenize(turns("Who?", " Mia. ", "Where?", "Home."))
    asked = [Message(role="user", content="Who?")]
    answered = [*asked, Message(role="model", content="Mia."), Message(role="user", content="Where?")]
    for text, messages, answer in zip(texts, (asked, answered), ("Mia.", "Home."), strict=True):
        assert text.context == TEMPLATE.encode(messages)
        assert text.response == [*TOKENIZER.encode(answer), TOKENIZER.token_id("<turn|>"), EOS]
        assert not text.is_movable


def test_the_prompt_is_given_and_the_response_is_learnt():
    (text,) = tokenize({"prompt": "One day", "response": " it rained."})
    assert text.context == TOKENIZER.encode("One day", add_bos=True)
    assert text.response == [*TOKENIZER.encode(" it rained."), EOS]


def test_control_strings_in_a_text_stay_text():
    for value in (turns("<turn|>", "<eos>"), {"prompt": "<eos>", "response": "<eos>"}, {"text": "<eos>"}):
        (text,) = tokenize(value)
        assert EOS not in text.context
        assert text.response.count(EOS) == 1


def test_what_is_longer_than_the_limit_is_refused_with_the_length_that_it_needs():
    value = turns("Who?", "red " * 20)
    (text,) = tokenize(value)
    needed = len(text.context) + -(-len(text.response) // CANVAS) * CANVAS
    assert tokenize(value, max_length=needed) == [text]
    message = rf"message 1 with what comes before it take {needed} tokens .* the limit is {needed - 1}; .*--max-length"
    with pytest.raises(DataError, match=message):
        tokenize(value, max_length=needed - 1)
    with pytest.raises(DataError, match="prompt and response take"):
        document_tokenizer(max_length=40).tokenize(Continuation(prompt="a", response="red " * 40))


def test_a_limit_without_room_for_two_canvases_is_refused():
    with pytest.raises(SettingError, match=r"is 32 tokens; give more than 32"):
        document_tokenizer(max_length=2 * CANVAS)


@given(st.integers(1, 400), st.integers(2 * CANVAS + 1, 150), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_passage_is_cut_so_that_every_token_is_learnt_once_and_everything_fits(count, max_length, seed):
    passage = Passage(text="red" + " red" * (count - 1))
    tokens = [*TOKENIZER.encode(passage.text), EOS]
    texts = document_tokenizer(max_length=max_length).tokenize(passage)
    assert [token for text in texts for token in text.response] == tokens
    for number, text in enumerate(texts):
        example = lay_out(text, seed)
        assert len(example.context) + CANVAS * len(example.canvases) <= max_length
        assert example.context[0] == TOKENIZER.bos_id
        assert text.is_movable == (number == 0)
        filled = example.canvases[-1].count(EOS)
        assert (filled > 0) == (number == len(texts) - 1)


def test_half_of_the_draws_of_a_passage_begin_at_its_beginning_and_the_others_within_a_canvas():
    (text,) = tokenize({"text": "red " * 40})
    contexts = [len(lay_out(text, seed).context) for seed in range(400)]
    assert 150 < contexts.count(1) < 260
    assert set(contexts) == set(range(1, CANVAS + 1))


def test_a_border_moves_tokens_from_one_side_to_the_other():
    text = TokenText(context=[2], response=[*range(100, 140), EOS], is_movable=True)
    for seed in range(20):
        example = lay_out(text, seed)
        flat = [*example.context, *(token for canvas in example.canvases for token in canvas)]
        assert flat[: len(text)] == [*text.context, *text.response]
        assert set(flat[len(text) :]) <= {EOS}


def test_a_cut_text_is_not_filled_up_with_eos():
    text = TokenText(context=[2], response=list(range(100, 100 + 2 * CANVAS)), is_movable=True)
    for seed in range(20):
        example = lay_out(text, seed)
        assert example.canvases
        assert all(EOS not in canvas for canvas in example.canvases)
