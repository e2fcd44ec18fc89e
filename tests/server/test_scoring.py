import httpx
import pytest

URL = "/score"


def test_a_text_is_scored_as_in_python_over_a_socket(live, lm):
    asked = {"text": " A red kite.", "prompt": "Once.", "samples": 2, "seed": 3}
    answer = httpx.post(f"{live(lm)}{URL}", json=asked, timeout=60).json()
    found = lm.score(" A red kite.", prompt="Once.", num_samples=2, seed=3)
    assert answer.pop("model")
    facts = found.facts(lm.tokenizer)
    assert answer.keys() == facts.keys()
    assert (answer["token_ids"], answer["tokens"]) == (facts["token_ids"], facts["tokens"])
    for name in ("nats", "token_nats", "bound_nats", "bound_bits_per_byte"):
        assert answer[name] == pytest.approx(facts[name], rel=1e-4)


def test_the_bound_is_left_out_if_no_samples_are_taken(client):
    answer = client.post(URL, json={"text": "A red kite.", "samples": 0}).json()
    assert "".join(answer["tokens"]) == "A red kite."
    assert not [name for name in answer if "bound" in name]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({}, "text is missing"),
        ({"text": ""}, "the text is empty"),
        ({"text": "kite", "samples": 1}, "num_samples is 1"),
        ({"text": "kite", "samples": -1}, "samples"),
        ({"text": "kite " * 300}, "context"),
        ({"text": "kite", "suffix": "s"}, "suffix is not a field"),
    ],
)
def test_a_wrong_question_is_refused_by_name(client, asked, part):
    answer = client.post(URL, json=asked)
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]
