import pytest

from tests.server.conftest import events

URL = "/v1/completions"
STORY = " there was a little fox who lived under a hill and liked to sing all day long."


def test_a_text_is_gone_on_from_as_in_python(client, lm):
    answer = client.post(URL, json={"prompt": "Once", "seed": 4, "max_tokens": 20}).json()
    result = lm.generate("Once", seed=4, max_new_tokens=20)
    assert answer["choices"][0]["text"] == result.text
    assert answer["choices"][0]["finish_reason"] == result.finish_reason
    assert answer["usage"]["prompt_tokens"] == result.prompt_tokens


def test_token_ids_are_a_prompt_as_they_are(client, lm):
    ids = lm.tokenizer.encode("Once", add_bos=True)
    texts = [client.post(URL, json={"prompt": prompt, "seed": 4}).json()["choices"] for prompt in ("Once", ids, [ids])]
    assert texts[0] == texts[1] == texts[2]


def test_several_prompts_have_several_texts_each_and_a_prompt_counts_once(client):
    answer = client.post(URL, json={"prompt": ["One", "Two words"], "n": 2, "max_tokens": 2, "echo": True}).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    starts = [choice["text"] for choice in answer["choices"]]
    assert all(text.startswith("One") for text in starts[:2])
    assert all(text.startswith("Two words") for text in starts[2:])
    one = client.post(URL, json={"prompt": "One", "max_tokens": 2}).json()["usage"]["prompt_tokens"]
    two = client.post(URL, json={"prompt": "Two words", "max_tokens": 2}).json()["usage"]["prompt_tokens"]
    assert answer["usage"]["prompt_tokens"] == one + two


def test_a_stream_is_the_text_with_one_reason(client_of, writer):
    asked = {
        "prompt": "Once,",
        "stream": True,
        "echo": True,
        "max_tokens": 48,
        "stream_options": {"include_usage": True},
    }
    body = client_of(writer(STORY)).post(URL, json=asked).text
    *chunks, last = events(body)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "Once," + STORY
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks].count("stop") == 1
    assert last["choices"] == []
    assert body.endswith("data: [DONE]\n\n")


def test_drafts_can_be_streamed_here_too(client_of, writer):
    asked = {"prompt": "Once,", "stream": True, "diffusion": {"stream_drafts": True, "draft_interval": 0}}
    chunks = events(client_of(writer(STORY)).post(URL, json=asked).text)
    frames = [chunk for chunk in chunks if "diffusion" in chunk]
    assert frames
    assert all(chunk["choices"][0]["text"] == "" for chunk in frames)


def test_a_suffix_makes_it_a_hole_to_fill(client, lm):
    asked = {"prompt": "The fox", "suffix": " the moon.", "max_tokens": 2, "seed": 1}
    answer = client.post(URL, json=asked).json()
    filling = lm.infill("The fox", " the moon.", seed=1, max_hole_tokens=2)
    assert answer["choices"][0]["text"] == filling.text
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == len(filling.token_ids)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"stream": True}, "stream"),
        ({"echo": True}, "echo"),
        ({"stop": "."}, "stop"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"diffusion": {"t_max": 0.5}}, "diffusion.t_max"),
        ({"max_tokens": 17}, "max_tokens"),
        ({"top_p": 0.5}, "top_p"),
    ],
)
def test_what_a_hole_does_not_know_is_refused_with_a_suffix(client, more, param):
    answer = client.post(URL, json={"prompt": "a", "suffix": "b", **more})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"prompt": "x", "logprobs": 21}, "logprobs"),
        ({"prompt": "x", "best_of": 2}, "best_of"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a", ""]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({}, "prompt"),
        ({"prompt": "x", "max_completion_tokens": 3}, "max_completion_tokens"),
    ],
)
def test_a_wrong_request_is_refused_by_name(client, asked, param):
    answer = client.post(URL, json=asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_token_ids_of_another_vocabulary_are_refused(client):
    answer = client.post(URL, json={"prompt": [999_999]})
    assert answer.status_code == 400
    assert "999999" in answer.json()["error"]["message"]


def test_a_text_tells_how_probable_each_token_was_and_where_it_stands(client, lm):
    asked = {"prompt": "Once", "max_tokens": 12, "seed": 1, "echo": True, "logprobs": 0}
    (choice,) = client.post(URL, json=asked).json()["choices"]
    told = choice["logprobs"]
    assert len(told["tokens"]) == len(told["token_logprobs"]) == len(told["accepted_logprobs"]) > 0
    assert all(logprob <= 0 for logprob in told["token_logprobs"])
    assert told["text_offset"][0] == len("Once")
    assert told["top_logprobs"] is None


@pytest.mark.parametrize("more", [{}, {"stop": [". Then"]}, {"stop": ["moon"], "logprobs": 3}])
def test_a_stream_tells_the_log_probabilities_of_its_tokens_with_their_text(client_of, writer, more):
    client = client_of(writer("One. Two. Three \N{GRINNING FACE} four. ", "Then five and six, and the moon."))
    asked = {"prompt": ["Once", "Once"], "max_tokens": 48, "seed": 1, "echo": True, "n": 2, "logprobs": 0, **more}
    whole = client.post(URL, json=asked).json()["choices"]
    joined = [{"text": "", "logprobs": {name: [] for name in whole[0]["logprobs"]}} for _ in whole]
    for event in events(client.post(URL, json=asked | {"stream": True}).text):
        (choice,) = event["choices"]
        so_far = joined[choice["index"]]
        so_far["text"] += choice["text"]
        for name, values in (choice["logprobs"] or {}).items():
            so_far["logprobs"][name] += values or []
        tokens = so_far["logprobs"]["tokens"]
        if choice["text"]:
            assert so_far["text"].startswith("Once" + "".join(tokens)) or "\ufffd" in "".join(tokens)
    for one, told in zip(whole, joined, strict=True):
        assert told["text"] == one["text"]
        assert told["logprobs"] == {name: values or [] for name, values in one["logprobs"].items()}


def test_a_hole_has_no_log_probabilities(client):
    answer = client.post(URL, json={"prompt": "a", "suffix": "b", "logprobs": 0})
    assert answer.status_code == 400
    assert "logprobs and suffix are both given" in answer.json()["error"]["message"]


def test_the_likeliest_tokens_are_told_by_their_texts(client):
    asked = {"prompt": "Once", "max_tokens": 8, "seed": 1, "logprobs": 2, "temperature": 0}
    told = client.post(URL, json=asked).json()["choices"][0]["logprobs"]
    for token, logprob, top in zip(told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True):
        assert 1 <= len(top) <= 2
        assert top[token] == pytest.approx(logprob, abs=1e-3)
        assert max(top.values()) == top[token]


def test_with_one_token_to_sample_a_text_is_greedy(client):
    greedy, single = (
        client.post(URL, json={"prompt": "Once", "max_tokens": 20, "seed": 1} | more).json()["choices"]
        for more in ({"temperature": 0}, {"temperature": 1, "top_k": 1})
    )
    assert greedy == single
