from collections import Counter
from random import Random

import pytest

from gesso.engine.pages import Pages, page_keys


def test_only_full_pages_have_a_name():
    assert [len(page_keys(range(length), 4)) for length in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 2]


def test_a_page_is_named_by_everything_up_to_its_end():
    keys = page_keys([1, 2, 3, 4, 5, 6], 2)
    assert page_keys([1, 2, 3, 4, 9, 9], 2)[:2] == keys[:2]
    assert len({*keys, *page_keys([7, 2, 3, 4, 5, 6], 2)}) == 6  # another first token, another name for every page
    assert page_keys([3, 4], 2)[0] != keys[1]


def test_pages_are_taken_all_or_none():
    pages = Pages(3)
    assert len(set(pages.take(2))) == 2
    assert pages.take(2) is None
    assert pages.available == 1
    assert pages.take(0) == []


def test_what_nobody_named_is_free_again():
    pages = Pages(2)
    taken = pages.take(2)
    pages.release(taken)
    assert pages.available == 2
    assert pages.share(b"a") is None


def test_a_named_page_can_be_shared_in_use_and_idle():
    pages = Pages(2)
    (page,) = pages.take(1)
    pages.publish(page, b"a")
    assert pages.share(b"a") == page
    pages.release([page])
    assert pages.available == 1  # the second user still has it
    pages.release([page])
    assert pages.available == 2
    assert pages.share(b"a") == page
    assert pages.available == 1


def test_of_two_equal_pages_the_first_is_the_known_one():
    pages = Pages(2)
    first, second = pages.take(2)
    pages.publish(first, b"a")
    pages.publish(second, b"a")
    pages.release([second])
    assert pages.share(b"a") == first


def test_idle_pages_are_given_up_least_recently_used_first_and_the_end_of_a_text_before_its_beginning():
    pages = Pages(4)
    old, new = pages.take(2), pages.take(2)
    for page, key in zip(old + new, (b"o1", b"o2", b"n1", b"n2"), strict=True):
        pages.publish(page, key)
    pages.release(old)
    pages.release(new)
    gone = []
    for _ in range(4):
        pages.take(1)
        gone.append({key for key in (b"o1", b"o2", b"n1", b"n2") if key not in pages._page_of})
    assert gone[0] == {b"o2"}
    assert gone[1] == {b"o2", b"o1"}
    assert gone[2] == {b"o2", b"o1", b"n2"}


@pytest.mark.parametrize("seed", range(5))
def test_over_random_use_every_page_is_free_idle_or_counted_by_its_users(seed):
    rng = Random(seed)
    pages = Pages(7)
    users: list[list[int]] = []
    for turn in range(400):
        if users and rng.random() < 0.4:
            pages.release(users.pop(rng.randrange(len(users))))
        elif rng.random() < 0.3 and (page := pages.share(bytes([rng.randrange(6)]))) is not None:
            users.append([page])
        elif (taken := pages.take(rng.randrange(4))) is not None:
            users.append(taken)
            if taken and turn % 2:
                pages.publish(taken[0], bytes([rng.randrange(6)]))
        in_use = Counter(page for held in users for page in held)
        assert pages.available == 7 - len(in_use)
        assert all(pages._num_users[page] == in_use[page] for page in range(7))
    for held in users:
        pages.release(held)
    assert sorted(pages.take(7)) == list(range(7))
