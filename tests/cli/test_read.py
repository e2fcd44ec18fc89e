import pytest

TEMPLATE = "The ___ had a ___ kite."


def test_a_line_for_each_slot_tells_how_likely_each_label_is(gesso_command, folder, lm):
    ran = gesso_command("read", TEMPLATE, "-c", "fox,boy", "-c", "red, blue", "-m", folder, "--draws", 2, "--seed", 3)
    reading = lm.read(TEMPLATE, [["fox", "boy"], ["red", "blue"]], num_draws=2, seed=3)
    lines = ["  ".join(f"{label} {p:.3f}" for label, p in slot.probabilities.items()) for slot in reading.slots]
    assert (ran.status, ran.out) == (0, "\n".join(lines) + "\n")
    masses = ", ".join(f"{slot.mass:.2f}" for slot in reading.slots)
    assert ran.err == f"gesso: {reading.text!r}; the labels have {masses} of all probability\n"


def test_json_tells_the_same_of_a_reply_in_a_chat(gesso_command, folder, lm):
    words = ["--choices", "red,blue", "--prompt", "What color?", "--chat", "--left-to-right", "--json", "-m", folder]
    given = gesso_command("read", "It is ___.", *words).object
    asked = [{"role": "user", "content": "What color?"}]
    (slot,) = lm.read("It is ___.", ["red", "blue"], prompt=asked, by="left_to_right").slots
    assert given["slots"] == [
        {
            "choice": slot.choice,
            "probabilities": pytest.approx(slot.probabilities, abs=1e-5),
            "mass": pytest.approx(slot.mass, abs=1e-5),
        }
    ]
    assert given["text"] == f"It is {slot.choice}."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no slot", "-c", "a,b"], "the template has no slot; mark at least one, as ___"),
        (["a ___", "-c", "b"], "give at least two labels"),
        (["a ___"], "--choices"),
        (["a ___", "-c", "a,b", "--draws", "0"], "num_draws is 0"),
    ],
)
def test_bad_input_is_one_line_with_value_and_remedy(words, message, gesso_command, folder):
    ran = gesso_command("read", *words, "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
