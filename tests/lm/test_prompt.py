import pytest

from gesso.errors import PromptError
from gesso.lm.prompt import as_message, is_one
from gesso.text.message import Message


def test_a_text_and_a_conversation_are_one_prompt_and_a_sequence_of_them_is_many():
    turn = {"role": "user", "content": "hi"}
    assert is_one("Once")
    assert is_one([turn])
    assert is_one([Message("user", "hi"), turn])
    assert is_one([])
    assert not is_one(["Once", "Twice"])
    assert not is_one(["Once", [turn]])


def test_a_turn_is_a_message_or_a_mapping_of_role_and_content():
    assert as_message(0, {"role": "user", "content": "hi"}) == Message("user", "hi")
    with pytest.raises(PromptError, match=r'message 3 is .*; give a mapping with "role"'):
        as_message(3, {"role": "user"})
    with pytest.raises(PromptError, match="message 1 has 'name'; only"):
        as_message(1, {"role": "user", "content": "hi", "name": "x"})
