import pytest

URL = "/edit"
TEXT = "Once upon a red kite."


def test_spans_are_written_anew_as_in_python(client, lm):
    asked = {
        "text": TEXT,
        "spans": [{"start": 12, "stop": 15}, {"start": 5, "stop": 9}],
        "seed": 2,
        "steps": 2,
        "temperature": 0.5,
        "max_span_tokens": 2,
    }
    answer = client.post(URL, json=asked).json()
    edited = lm.edit(TEXT, [(5, 9), (12, 15)], seed=2, steps=2, temperature=0.5, max_span_tokens=2)
    assert answer["text"] == edited.text
    assert answer["seed"] == 2
    for told, span in zip(answer["spans"], edited.spans, strict=True):
        assert (told["start"], told["stop"], told["old"]) == (span.start, span.stop, span.old)
        assert (told["new"], told["new_start"], told["tokens"]) == (span.new, span.new_start, list(span.token_ids))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"text": TEXT, "spans": []}, "no span"),
        ({"text": TEXT}, "spans"),
        ({"text": TEXT, "spans": [{"start": 0, "stop": 99}]}, "lies outside"),
        ({"text": TEXT, "spans": [{"start": -1, "stop": 9}]}, "spans.0.start"),
        ({"text": TEXT, "spans": [{"start": 0, "stop": 4}, {"start": 2, "stop": 6}]}, "overlap"),
        ({"text": TEXT, "spans": [{"start": 0, "stop": 4}], "max_span_tokens": 0}, "max_span_tokens"),
    ],
)
def test_wrong_spans_are_refused(client, asked, part):
    answer = client.post(URL, json=asked)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert part in error["message"] or part in (error["param"] or "")
