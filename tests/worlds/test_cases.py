import random

import pytest

from gesso.worlds.cases import MAX_PROMPT_WORDS, Case, begin, is_exact


def test_a_response_continues_the_prompt_and_an_answer_stands_alone():
    case = Case(prompt="Once upon", answer="a time", joint=" ", kind="continuation", chat=False)
    assert case.prompt + case.response == "Once upon a time"


@pytest.mark.parametrize("num_words", [2, 3, 30, 200])
def test_a_text_is_begun_with_at_most_forty_words_and_at_most_half(num_words):
    rng, text = random.Random(0), " ".join(map(str, range(num_words)))
    lengths = set()
    for _ in range(300):
        case = begin(rng, text, "prose")
        assert case.prompt + case.response == text
        lengths.add(len(case.prompt.split(" ")))
    assert min(lengths) == 1
    assert max(lengths) == min(MAX_PROMPT_WORDS, num_words // 2)


@pytest.mark.parametrize(
    ("text", "verdict"), [("12", True), (" 12\n", True), ("12.", False), ("1 2", False), ("", False)]
)
def test_only_the_answer_is_exact_but_for_space_around_it(text, verdict):
    assert is_exact(Case(prompt="5 + 7 =", answer="12", kind="sum", chat=True), text) is verdict
