import pytest


def test_both_likelihoods_are_told(gesso_command, folder, lm):
    ran = gesso_command("score", " A red kite.", "--prompt", "Once.", "--samples", 2, "--seed", 3, "-m", folder)
    found = lm.score(" A red kite.", prompt="Once.", num_samples=2, seed=3)
    first, second = ran.out.splitlines()
    assert first == (
        f"left to right  {found.bits_per_byte:.3f} bits per byte, {found.nats:.1f} nats: "
        f"{len(found.token_ids)} tokens and the end"
    )
    assert second.startswith(f"bound          {found.bound_bits_per_byte:.3f} bits per byte, {found.bound_nats:.1f}")
    assert (ran.status, ran.err) == (0, "")


def test_json_tells_of_each_token(gesso_command, folder, lm):
    given = gesso_command("score", "A red kite.", "--samples", 0, "--json", "-m", folder).object
    found = lm.score("A red kite.", num_samples=0)
    assert "".join(given["tokens"]) == "A red kite."
    assert given["token_nats"] == pytest.approx(list(found.token_nats), abs=1e-4)
    assert given["nats"] == pytest.approx(sum(given["token_nats"]) + given["end_nats"], abs=1e-2)
    assert "bound_nats" not in given
    assert "bound_nats" in gesso_command("score", "A kite.", "--samples", 2, "--json", "-m", folder).object


@pytest.mark.parametrize(
    ("words", "message"), [([""], "the text is empty"), (["kite", "--samples", "1"], "num_samples is 1")]
)
def test_bad_input_is_one_line_with_value_and_remedy(words, message, gesso_command, folder):
    ran = gesso_command("score", *words, "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
