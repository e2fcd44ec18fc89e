import torch

from gesso.sampling.draws import canvas_generator, draw_canvas, draw_step

CPU = torch.device("cpu")
SIZES = {"canvas_length": 32, "vocab_size": 100, "device": CPU}


def generators(*seeds):
    return [canvas_generator(seed, 0) for seed in seeds]


def test_a_row_draws_the_same_alone_and_in_company():
    together, alone = generators(1, 2, 3), generators(2)
    assert draw_canvas(together, **SIZES)[1].equal(draw_canvas(alone, **SIZES)[0])
    for _ in range(3):
        many, one = draw_step(together, **SIZES), draw_step(alone, **SIZES)
        assert many.uniforms[1].equal(one.uniforms[0])
        assert many.renoise[1].equal(one.renoise[0])


def test_the_generator_of_an_inactive_row_is_left_alone():
    rows, untouched = generators(1, 2), canvas_generator(2, 0)
    draws = draw_step(rows, **SIZES, active=[True, False])
    assert rows[1].get_state().equal(untouched.get_state())
    assert not draws.uniforms[1].any()
    assert not draws.renoise[1].any()
    assert draws.uniforms[0].any()


def test_draws_are_numbers_below_one_and_tokens_of_the_vocabulary_evenly_spread():
    draws = draw_step(generators(*range(300)), **SIZES)
    assert draws.uniforms.min() >= 0
    assert draws.uniforms.max() < 1
    assert abs(float(draws.uniforms.mean()) - 0.5) < 0.01
    counts = draws.renoise.flatten().bincount(minlength=100)
    # 99 degrees of freedom: above 148 once in a thousand times.
    assert ((counts - 96.0) ** 2 / 96).sum() < 148.3
    assert len(counts) == 100


def test_a_coin_is_even_and_does_not_know_the_token():
    draws = draw_step(generators(*range(300)), **SIZES)
    coins, uniforms = draws.coins.flatten(), draws.uniforms.flatten()
    assert draws.vocab_size == 100
    assert coins.min() >= 0
    assert coins.max() < 1
    for part in (uniforms < 0.5, uniforms >= 0.5, (uniforms * 1000).long() % 2 == 0):
        counts = (coins[part] * 20).long().bincount(minlength=20)
        expected = part.sum() / 20
        # 19 degrees of freedom: above 43.8 once in a thousand times.
        assert ((counts - expected) ** 2 / expected).sum() < 43.8


def test_each_canvas_of_each_request_has_its_own_randomness_and_it_repeats():
    seen = {
        tuple(draw_canvas([canvas_generator(seed, index)], **SIZES)[0].tolist())
        for seed in range(-3, 8)
        for index in range(5)
    }
    assert len(seen) == 55
    assert draw_canvas(generators(4), **SIZES).equal(draw_canvas(generators(4), **SIZES))


def test_the_draws_of_a_seed_are_the_same_for_ever():
    """A change here changes every text that anyone has a seed for."""
    canvas = draw_canvas([canvas_generator(7, 3)], canvas_length=6, vocab_size=1000, device=CPU)
    assert canvas.tolist() == [[934, 469, 356, 766, 53, 985]]
