import httpx
import pytest

URL = "/read"
TEMPLATE = "The ___ is ___."
CHOICES = [["cat", "dog"], ["red", "big"]]


def test_slots_are_read_as_in_python_over_a_socket(live, lm):
    asked = {"template": TEMPLATE, "choices": CHOICES, "prompt": "Once upon", "draws": 2, "seed": 3}
    answer = httpx.post(f"{live(lm)}{URL}", json=asked, timeout=60).json()
    reading = lm.read(TEMPLATE, CHOICES, prompt="Once upon", num_draws=2, seed=3)
    assert (answer["text"], answer["seed"]) == (reading.text, 3)
    for told, slot in zip(answer["slots"], reading.slots, strict=True):
        assert told["choice"] == slot.choice
        assert told["probabilities"] == pytest.approx(slot.probabilities, abs=1e-5)
        assert told["mass"] == pytest.approx(slot.mass, abs=1e-5)


def test_a_template_can_answer_a_conversation_and_be_read_left_to_right(client, lm):
    said = [{"role": "user", "content": "Which?"}]
    asked = {"template": "It is ___.", "choices": ["red", "a red kite"], "messages": said, "by": "left_to_right"}
    answer = client.post(URL, json=asked).json()
    (slot,) = lm.read("It is ___.", ["red", "a red kite"], prompt=said, by="left_to_right").slots
    assert answer["slots"][0]["probabilities"] == pytest.approx(slot.probabilities, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"template": "no slot"}, "the template has no slot"),
        ({"choices": ["red"]}, "at least two labels"),
        ({"choices": []}, "choices"),
        ({"choices": [["a", "b"]]}, "2 slots and 1 lists"),
        ({"draws": 0}, "draws"),
        ({"draws": 10_000}, "draws"),
        ({"by": "touch"}, "by"),
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "prompt and messages are both given"),
        ({"by": "left_to_right", "draws": 2}, "leave draws and seed out"),
        ({"label": "x"}, "label is not a field"),
        ({"model": "other"}, "not served here"),
    ],
)
def test_a_wrong_question_is_refused_by_name(client, changes, part):
    answer = client.post(URL, json={"template": TEMPLATE, "choices": CHOICES} | changes)
    assert answer.status_code == (404 if "model" in changes else 400)
    assert part in answer.json()["error"]["message"]
