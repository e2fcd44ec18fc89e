from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.evals.copying import Reference, longest_copy_by_comparison

texts = st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)


@settings(deadline=None)
@given(texts, st.lists(texts, max_size=4))
def test_the_longest_copy_is_that_of_a_plain_comparison(text, references):
    assert Reference(references).longest_copy(text) == longest_copy_by_comparison(text, references)


def test_a_run_is_found_wherever_it_stands():
    reference = Reference(["once there was a fox", "the fox had a red kite and a blue boat"])
    assert reference.longest_copy("Tom had a red kite too") == 4
    assert reference.longest_copy("the fox had a red kite and a blue boat") == 10
    assert reference.longest_copy("there was a fox the fox had a") == 4


def test_a_run_does_not_go_from_one_text_into_the_next():
    assert Reference(["a b", "c d"]).longest_copy("a b c d") == 2


def test_without_words_nothing_is_copied():
    assert Reference([]).longest_copy("a b") == 0
    assert Reference(["a"]).longest_copy("") == 0
    assert Reference(["a b"]).longest_copy("c d c d") == 0
