import pytest

from gesso.errors import PromptError
from gesso.lm.marks import read_spans, split_at_blanks


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("no blank", ["no blank"]),
        ("a ___ b", ["a ", " b"]),
        ("____a_b__c___", ["", "a_b__c", ""]),
    ],
)
def test_three_underscores_or_more_are_a_blank(text, pieces):
    assert split_at_blanks(text) == pieces


@pytest.mark.parametrize(
    ("marked", "text", "spans"),
    [
        ("no span", "no span", []),
        ("[[a]] b", "a b", [(0, 1)]),
        ("a [[b c]] d [[e]]", "a b c d e", [(2, 5), (8, 9)]),
        ("a[[]]b", "ab", [(1, 1)]),
        ("a[1] [b]", "a[1] [b]", []),
        (r"\[[1], [2\]]", "[[1], [2]]", []),
        (r"[[x\]]y]]", "x]]y", [(0, 4)]),
    ],
)
def test_spans_are_what_double_brackets_enclose_unless_a_backslash_is_before_them(marked, text, spans):
    assert read_spans(marked) == (text, spans)


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("a [[b [[c]]", r"\[\[ at character 6 opens a span within a span"),
        ("a b]] c", r"\]\] at character 3 closes no span"),
        ("a [[b", "the span that begins at character 2 of the text is not closed"),
    ],
)
def test_brackets_that_do_not_match_are_refused(marked, words):
    with pytest.raises(PromptError, match=words):
        read_spans(marked)
