import json
import random
import re

import pytest

from gesso.worlds.records import NUMBERS, SHAPES, is_right, write_case


def asked_fields(case):
    named = re.search(r"(?:with|give) (.+?)(?: as JSON)?:$", case.prompt.split("\n")[0])
    return re.split(r", | and ", named[1])


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(0)
    return [write_case(rng) for _ in range(2000)]


def test_a_record_has_the_fields_that_were_asked_for_in_their_order(cases):
    for case in cases:
        assert list(json.loads(case.answer)) == asked_fields(case)


def test_every_value_of_a_record_stands_in_the_sentence(cases):
    for case in cases:
        sentence = case.prompt.split("\n")[1]
        for value in json.loads(case.answer).values():
            ways = {str(value), NUMBERS[value]} if isinstance(value, int) else {value}
            assert any(re.search(rf"\b{way}\b", sentence) for way in ways), case


def test_every_telling_says_every_fact():
    rng = random.Random(2)
    for shape in SHAPES:
        facts, words = shape.draw(rng)
        for telling in shape.tellings:
            text = telling.format_map({field: str(value) for field, value in facts.items()} | dict(words))
            assert all(re.search(rf"\b{value}\b", text) for value in facts.values()), text


def test_sentences_are_whole_and_numbers_come_as_words_and_as_digits(cases):
    sentences = [case.prompt.split("\n")[1] for case in cases]
    assert all(re.fullmatch(r"[A-Z][^{}]*\.", sentence) for sentence in sentences)
    with_digits = sum(bool(re.search(r"\d", sentence)) for sentence in sentences)
    assert 0.1 < with_digits / len(sentences) < 0.3


def test_a_record_with_another_value_or_another_order_is_wrong(cases):
    for case in cases[:100]:
        record = json.loads(case.answer)
        assert is_right(case, json.dumps(record))
        assert not is_right(case, json.dumps(dict(reversed(record.items()))))
        assert not is_right(case, json.dumps(record | {next(iter(record)): "nothing"}))


def test_held_out_values_are_never_together_in_training(cases):
    rng = random.Random(3)
    held_out = [write_case(rng, "held_out") for _ in range(300)]
    for shape in SHAPES:
        trained, asked = (
            {
                tuple(record[field] for field in shape.held_out)
                for record in records
                if set(shape.held_out) <= set(record)
            }
            for records in ([json.loads(case.answer) for case in some] for some in (cases, held_out))
        )
        assert trained
        assert asked
        assert not trained & asked
