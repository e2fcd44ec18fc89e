import pytest

URL = "/infill"


def test_a_hole_is_filled_as_in_python(client, lm):
    asked = {
        "prefix": "The fox",
        "suffix": " the moon.",
        "seed": 2,
        "steps": 2,
        "temperature": 0.5,
        "max_hole_tokens": 2,
    }
    answer = client.post(URL, json=asked).json()
    filling = lm.infill("The fox", " the moon.", seed=2, steps=2, temperature=0.5, max_hole_tokens=2)
    assert answer["text"] == answer["content"] == filling.text
    assert answer["tokens"] == list(filling.token_ids)
    assert answer["seed"] == 2


def test_the_words_of_llama_cpp_are_understood(client):
    ours = {"prefix": "A", "suffix": "B", "seed": 1, "max_hole_tokens": 1}
    theirs = {"input_prefix": "A", "input_suffix": "B", "seed": 1, "n_predict": 1}
    assert client.post(URL, json=ours).json() == client.post(URL, json=theirs).json()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({}, "both empty"),
        ({"prefix": "kite " * 245, "suffix": "b"}, "shorten the text"),
        ({"prefix": "a", "suffix": "b", "max_hole_tokens": 0}, "max_hole_tokens"),
        ({"prefix": "a", "suffix": "b", "infix": "c"}, "infix"),
        ({"prefix": "a", "suffix": "b", "temperature": -1.0}, "temperature"),
    ],
)
def test_a_wrong_hole_is_refused(client, asked, part):
    answer = client.post(URL, json=asked)
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]
