import random

import pytest
import torch

from gesso.errors import SettingError
from gesso.evals.distance import embed, energy_distance


def sentences(source, seed, count=60):
    """Texts of a source that says "kite" with one frequency and "boat" with the rest."""
    rng = random.Random(seed)
    return [" ".join("kite" if rng.random() < source else "boat" for _ in range(12)) for _ in range(count)]


def distance(first, second):
    return energy_distance(embed(first), embed(second))


def test_equal_samples_have_no_distance():
    texts = sentences(0.5, 0)
    assert distance(texts, texts) == 0
    assert distance(texts, texts[::-1]) == pytest.approx(0, abs=1e-12)


def test_distance_is_symmetric_and_never_negative():
    first, second = sentences(0.5, 0), sentences(0.5, 1, count=20)
    assert distance(first, second) == pytest.approx(distance(second, first))
    assert distance(first, second) > 0


def test_distance_grows_with_the_difference_of_the_sources():
    here = sentences(0.5, 0)
    distances = [distance(here, sentences(source, 1)) for source in (0.5, 0.6, 0.75, 1.0)]
    assert distances == sorted(distances)
    assert distances[-1] > 10 * distances[0]


def test_distance_between_samples_of_one_source_falls_with_their_size():
    small = sum(distance(sentences(0.5, seed, 10), sentences(0.5, seed + 100, 10)) for seed in range(10))
    large = sum(distance(sentences(0.5, seed, 80), sentences(0.5, seed + 100, 80)) for seed in range(10))
    assert large < small / 4


def test_distance_sees_the_order_of_words():
    assert distance(["a b c d e f"], ["f e d c b a"]) > 0.1


def test_between_two_points_it_is_twice_their_distance():
    first, second = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    assert energy_distance(first, second) == 10


def test_a_text_is_a_point_of_length_one_whatever_its_length():
    lengths = embed(["a", "a b c " * 50, ""]).norm(dim=1)
    assert lengths.tolist() == pytest.approx([1, 1, 0])


def test_an_empty_sample_is_refused():
    with pytest.raises(SettingError, match="samples of 0 and 1 texts"):
        energy_distance(embed([]), embed(["a"]))
