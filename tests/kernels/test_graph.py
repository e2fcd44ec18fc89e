import pytest
import torch

from gesso.errors import InputError
from gesso.kernels.graph import CapturedFunction


def affine(x, y):
    return 2 * x + y, x.sum()


def test_a_captured_function_computes_the_function(drawn):
    captured = CapturedFunction(affine, (drawn(3, 4), drawn(4)))
    for _ in range(3):
        x, y = drawn(3, 4), drawn(4)
        for result, expected in zip(captured(x, y), affine(x, y), strict=True):
            torch.testing.assert_close(result, expected)


def test_the_example_and_the_inputs_are_left_as_they_were(drawn):
    example, x, y = (drawn(3, 4), drawn(4)), drawn(3, 4), drawn(4)
    before = [tensor.clone() for tensor in (*example, x, y)]
    CapturedFunction(affine, example)(x, y)
    assert all(torch.equal(*pair) for pair in zip((*example, x, y), before, strict=True))


def test_what_the_function_reads_beside_its_inputs_may_change_between_calls(drawn):
    held = drawn(4)
    captured = CapturedFunction(lambda x: (x + held,), (drawn(4),))
    held.fill_(5.0)
    x = drawn(4)
    torch.testing.assert_close(captured(x)[0], x + 5.0)


def test_two_that_share_their_memory_compute_each_its_own_function(drawn):
    first = CapturedFunction(affine, (drawn(3, 4), drawn(4)))
    second = CapturedFunction(lambda x: (x.exp().sum(), x + 1), (drawn(5),), beside=first)
    for _ in range(3):
        x, y, z = drawn(3, 4), drawn(4), drawn(5)
        torch.testing.assert_close(first(x, y), affine(x, y))
        torch.testing.assert_close(second(z), (z.exp().sum(), z + 1))


def test_inputs_of_another_shape_are_refused(drawn):
    captured = CapturedFunction(affine, (drawn(3, 4), drawn(4)))
    with pytest.raises(InputError, match=r"float32\[5\] on .*takes float32\[3, 4\] on"):
        captured(drawn(5), drawn(4))


def test_recording_without_warming_up_is_refused(drawn):
    with pytest.raises(InputError, match="warmup is 0"):
        CapturedFunction(affine, (drawn(3, 4), drawn(4)), warmup=0)
