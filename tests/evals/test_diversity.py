import math

import pytest

from gesso.evals.diversity import distinct_ngrams, token_entropy


def test_the_entropy_of_equally_frequent_tokens_is_the_logarithm_of_their_number():
    assert token_entropy([1, 2, 3, 4] * 5) == pytest.approx(math.log(4))


def test_a_text_of_one_token_has_no_entropy():
    assert token_entropy([7] * 9) == 0
    assert token_entropy([]) == 0


def test_repetition_lowers_entropy():
    assert token_entropy([1, 1, 1, 2]) < token_entropy([1, 2, 1, 2])


def test_distinct_ngrams_is_one_if_none_occurs_twice_and_falls_with_repetition():
    assert distinct_ngrams(["a b c d", "e f g"]) == 1
    assert distinct_ngrams(["a b c"] * 4) == 0.25


def test_an_ngram_lies_within_one_text():
    assert distinct_ngrams(["a b", "c d e", "a b c"], n=3) == 1
    assert distinct_ngrams(["a b", "b a"], n=1) == 0.5


def test_texts_without_ngrams_have_no_distinct_ones():
    assert distinct_ngrams(["a b", ""]) == 0
