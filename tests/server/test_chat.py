import pytest

from tests.server.conftest import chat, events

URL = "/v1/chat/completions"
STORY = "A little fox went out to look at the moon, and the moon looked back at the fox all night."
CALL = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>'
TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": {"type": "object"}}}


def deltas(body):
    return [chunk["choices"][0]["delta"] for chunk in events(body) if chunk["choices"]]


def content(body):
    return "".join(delta.get("content") or "" for delta in deltas(body))


def test_an_answer_is_what_the_model_writes_and_its_usage_counts_to_the_stop(client_of, writer):
    lm = writer(STORY, "<turn|>")
    answer = client_of(lm).post(URL, json=chat(max_tokens=48)).json()
    (choice,) = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == STORY
    assert choice["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["completion_tokens"] == len(lm.tokenizer.encode(STORY)) < 48
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert len(usage["diffusion"]["steps"][0]) == -(-(usage["completion_tokens"] + 1) // 16)


def test_an_answer_can_be_sent_back_with_all_fields_that_clients_know_of(client):
    said = {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": [], "audio": None}
    said |= {"function_call": None, "tool_calls": None, "reasoning_content": None, "name": None}
    messages = [{"role": "user", "content": "Hi"}, said, {"role": "user", "content": "And now?"}]
    asked = {"messages": messages, "max_tokens": 1, "n": None, "stream": None, "stop": None, "tools": None}
    assert client.post(URL, json=asked).status_code == 200
    said["annotations"] = [{"type": "url_citation"}]
    assert client.post(URL, json=asked).json()["error"]["param"] == "messages.1.annotations"


def test_a_seed_repeats_an_answer_and_each_choice_has_its_own(client):
    first, second = (client.post(URL, json=chat(seed=5, n=2)).json() for _ in range(2))
    texts = [choice["message"]["content"] for choice in first["choices"]]
    assert texts == [choice["message"]["content"] for choice in second["choices"]]
    assert texts[0] != texts[1]
    assert first["usage"]["diffusion"]["seeds"][0] == 5
    alone = client.post(URL, json=chat(seed=first["usage"]["diffusion"]["seeds"][1])).json()
    assert alone["choices"][0]["message"]["content"] == texts[1]


def test_an_answer_is_the_one_that_python_gives(client, lm):
    answer = client.post(URL, json=chat("Tell me.", seed=3, temperature=0.7, max_tokens=20)).json()
    result = lm.generate([{"role": "user", "content": "Tell me."}], seed=3, temperature=0.7, max_new_tokens=20)
    assert answer["choices"][0]["message"]["content"] == result.message.content
    assert answer["usage"]["diffusion"]["steps"] == [result.steps]


def test_a_stream_tells_the_role_first_then_the_text_then_one_reason_then_the_end(client_of, writer):
    body = client_of(writer(STORY)).post(URL, json=chat(stream=True, max_tokens=48)).text
    chunks = events(body)
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert content(body) == STORY
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert body.endswith("data: [DONE]\n\n")
    assert not any("usage" in chunk or "diffusion" in chunk for chunk in chunks)
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_usage_comes_in_a_chunk_of_its_own_only_if_asked_for(client_of, writer):
    asked = chat(stream=True, stream_options={"include_usage": True}, max_tokens=48)
    chunks = events(client_of(writer(STORY)).post(URL, json=asked).text)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] > 0


def test_streamed_choices_end_once_each(client):
    chunks = events(client.post(URL, json=chat(stream=True, n=3)).text)
    ends = [chunk["choices"][0]["index"] for chunk in chunks if chunk["choices"][0]["finish_reason"]]
    assert sorted(ends) == [0, 1, 2]


def test_drafts_are_chunks_without_text_and_end_with_what_was_committed(client_of, writer):
    asked = chat(stream=True, max_tokens=32, diffusion={"stream_drafts": True, "draft_interval": 0})
    body = client_of(writer(STORY)).post(URL, json=asked).text
    chunks = [chunk for chunk in events(body) if "diffusion" in chunk]
    assert all(chunk["choices"][0]["delta"] == {} for chunk in chunks)
    frames = [chunk["diffusion"] for chunk in chunks]
    assert set(frames[0]) == {"canvas", "step", "total", "spans", "changed", "temperature"}
    for canvas in (0, 1):
        last = [frame for frame in frames if frame["canvas"] == canvas][-1]
        assert {span["state"] for span in last["spans"]} == {"committed"}
        assert last["readings"] == 0
    shown = "".join(span["text"] for frame in frames if "temperature" not in frame for span in frame["spans"])
    assert shown.strip() == content(body)


def test_drafts_tell_of_alternatives_if_asked(client):
    def spans_of(**more):
        diffusion = {"stream_drafts": True, "draft_interval": 0, **more}
        chunks = events(client.post(URL, json=chat(stream=True, seed=1, max_tokens=8, diffusion=diffusion)).text)
        return [span for chunk in chunks if "diffusion" in chunk for span in chunk["diffusion"]["spans"]]

    assert not any("alternatives" in span for span in spans_of())
    choices = [span["alternatives"] for span in spans_of(alternatives=3) if "alternatives" in span]
    assert choices
    for choice in choices:
        assert 2 <= len(choice) <= 3
        assert sum(probability for _, probability in choice) <= 1.01


@pytest.mark.parametrize("stream", [False, True])
def test_thought_and_calls_have_fields_of_their_own(client_of, writer, stream):
    lm = writer("<|channel>", "thought\nWhere?\n", "<channel|>", "I will look.", CALL, "<turn|>")
    answer = client_of(lm).post(URL, json=chat(tools=[TOOL], stream=stream, max_tokens=64))
    if stream:
        told = deltas(answer.text)
        thought = "".join(delta.get("reasoning_content", "") for delta in told)
        calls = [call for delta in told for call in delta.get("tool_calls", [])]
        text, reason = content(answer.text), events(answer.text)[-1]["choices"][0]["finish_reason"]
        assert [call.pop("index") for call in calls] == [0]
    else:
        (choice,) = answer.json()["choices"]
        message, reason = choice["message"], choice["finish_reason"]
        thought, calls, text = message["reasoning_content"], message["tool_calls"], message["content"]
    assert (thought, text, reason) == ("Where?", "I will look.", "tool_calls")
    assert [call["function"] for call in calls] == [{"name": "weather", "arguments": '{"city": "Oslo"}'}]


def test_tools_and_thinking_reach_the_prompt_and_the_choice_none_leaves_tools_out(client):
    def prompt_tokens(**more):
        return client.post(URL, json=chat(max_tokens=1, **more)).json()["usage"]["prompt_tokens"]

    plain = prompt_tokens()
    assert prompt_tokens(tools=[TOOL]) > plain
    assert prompt_tokens(tools=[TOOL], tool_choice="none") == plain
    assert prompt_tokens(chat_template_kwargs={"enable_thinking": True}) > plain


def test_a_stop_string_ends_the_answer_and_is_no_part_of_it(client_of, writer):
    for stream in (False, True):
        answer = client_of(writer(STORY)).post(URL, json=chat(stop=["moon"], stream=stream, max_tokens=48))
        text = content(answer.text) if stream else answer.json()["choices"][0]["message"]["content"]
        assert text.rstrip() == "A little fox went out to look at the"


def test_an_answer_that_is_cut_says_so(client_of, writer):
    answer = client_of(writer(STORY)).post(URL, json=chat(max_completion_tokens=3)).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


def test_effort_becomes_steps(client):
    low, high = (client.post(URL, json=chat(reasoning_effort=effort, seed=0)).json() for effort in ("low", "high"))
    assert max(low["usage"]["diffusion"]["steps"][0]) == 1
    assert max(high["usage"]["diffusion"]["steps"][0]) == 3


def test_a_pin_holds_in_the_answer(client):
    pins = [{"start": 0, "text": "Once upon a time"}]
    answer = client.post(URL, json=chat(diffusion={"pins": pins}, max_tokens=16)).json()
    assert answer["choices"][0]["message"]["content"].startswith("Once upon a time")


def test_an_answer_starts_from_its_prediction_and_usage_compares_them_token_by_token(client_of, writer):
    lm = writer(STORY, "<turn|>")
    client = client_of(lm)
    body = chat(max_tokens=48, seed=1)
    ids = lm.tokenizer.encode(STORY)
    other = "A little cat" + STORY.removeprefix("A little fox")
    longer = STORY + " And then?"
    for text in (STORY, other, longer):
        predicted = lm.tokenizer.encode(text)
        accepted = sum(one == two for one, two in zip(predicted, ids, strict=False))
        for content in (text, [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]):
            asked = body | {"prediction": {"type": "content", "content": content}}
            answer = client.post(URL, json=asked).json()
            assert answer["choices"][0]["message"]["content"] == STORY
            details = answer["usage"]["completion_tokens_details"]
            assert details["accepted_prediction_tokens"] == accepted > 0
            assert details["rejected_prediction_tokens"] == len(predicted) - accepted
            assert details["rejected_prediction_tokens"] == 0 or text != STORY
    streamed = events(client.post(URL, json=asked | {"stream": True, "stream_options": {"include_usage": True}}).text)
    assert streamed[-1]["usage"]["completion_tokens_details"] == details
    plain = client.post(URL, json=body).json()["usage"]["completion_tokens_details"]
    assert (plain["accepted_prediction_tokens"], plain["rejected_prediction_tokens"]) == (0, 0)


@pytest.mark.parametrize("mode", ["diffusion", "verified"])
def test_a_prediction_is_the_draft_that_python_starts_from(client, lm, mode):
    text = "A little fox went out"
    asked = {"prediction": {"type": "content", "content": text}, "n": 2, "tools": [TOOL]}
    answers = client.post(URL, json=chat("Go.", seed=2, max_tokens=32, **asked, diffusion={"mode": mode})).json()
    assert len({choice["message"]["content"] for choice in answers["choices"]}) == 2
    details = answers["usage"]["completion_tokens_details"]
    total = details["accepted_prediction_tokens"] + details["rejected_prediction_tokens"]
    assert total == 2 * len(lm.tokenizer.encode(text)), "each of the texts starts from it"
    drafted = {"seed": 2, "max_tokens": 32, "diffusion": {"draft": text, "draft_noise": 0.1, "mode": mode}}
    answer = client.post("/v1/completions", json={"prompt": "Go.", **drafted}).json()
    python = lm.generate("Go.", seed=2, max_new_tokens=32, draft=text, draft_noise=0.1, mode=mode)
    assert answer["choices"][0]["text"] == python.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"chat_template_kwargs": {"enable_thinking": True}}, "a thought whose length nobody knows"),
        ({"logprobs": True}, "prediction and logprobs are both given"),
        ({"diffusion": {"draft": "x"}}, "prediction and diffusion.draft are both given"),
        ({"diffusion": {"mode": "autoregressive"}}, "mode 'autoregressive' does not know drafts"),
    ],
)
def test_what_a_prediction_does_not_go_with_is_refused(client, more, words):
    answer = client.post(URL, json=chat(prediction={"type": "content", "content": "x"}, **more))
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("guided_grammar", "x"),
        ("parallel_tool_calls", False),
        ("store", True),
        ("modalities", ["audio"]),
        ("verbosity", "low"),
    ],
)
def test_a_parameter_that_is_not_supported_is_refused_by_name(client, field, value):
    answer = client.post(URL, json=chat(**{field: value}))
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "unsupported_parameter"
    assert error["param"].startswith(field)
    assert field in error["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        (chat(n=0), "n"),
        (chat(n=17), "n"),
        (chat(max_tokens=0), "max_tokens"),
        (chat(temperature="warm"), "temperature"),
        (chat(temperature=-1), "temperature"),
        (chat(stop=[""]), "stop"),
        (chat(unheard_of=1), "unheard_of"),
        (chat(diffusion={"step": 1}), "diffusion.step"),
        (chat(reasoning_effort="huge"), "reasoning_effort"),
        (chat(top_p=1.5), "top_p"),
        (chat(top_k=1.5), "top_k"),
        (chat(min_p="x"), "min_p"),
        (chat(logit_bias={"1": 500}), "logit_bias.1"),
        (chat(logit_bias={"x": 5}), "logit_bias"),
        (chat(frequency_penalty=3), "frequency_penalty"),
        (chat(presence_penalty=-3), "presence_penalty"),
        (chat(logprobs=True, top_logprobs=21), "top_logprobs"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type"),
    ],
)
def test_a_wrong_body_is_refused_by_the_name_of_its_field(client, body, param):
    answer = client.post(URL, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_two_lengths_are_one_too_many_and_a_prompt_without_room_is_refused(client):
    assert "both given" in client.post(URL, json=chat(max_tokens=1, max_completion_tokens=1)).json()["error"]["message"]
    answer = client.post(URL, json=chat("word " * 300))
    assert answer.status_code == 400
    assert "shorten the prompt" in answer.json()["error"]["message"]


def test_another_model_is_not_found(client):
    answer = client.post(URL, json=chat(model="gpt-9"))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert client.post(URL, json=chat(model="model", max_tokens=1)).status_code == 200


def test_an_answer_tells_how_probable_each_token_was_if_it_is_asked(client, lm):
    answer = client.post(URL, json=chat("Tell me.", seed=3, max_tokens=20, logprobs=True)).json()
    result = lm.generate([{"role": "user", "content": "Tell me."}], seed=3, max_new_tokens=20, logprobs=True)
    told = answer["choices"][0]["logprobs"]["content"]
    assert len(told) == answer["usage"]["completion_tokens"] == len(result.logprobs) > 0
    assert [one["logprob"] for one in told] == [round(one.last, 4) for one in result.logprobs]
    assert "".join(one["token"] for one in told) == lm.tokenizer.decode(result.token_ids, skip_special=False)
    assert client.post(URL, json=chat(max_tokens=1)).json()["choices"][0]["logprobs"] is None


def test_a_bias_forces_a_token_and_one_that_is_not_there_is_refused(client, lm):
    (token,) = lm.tokenizer.encode("x")
    answer = client.post(URL, json=chat(logit_bias={str(token): 100}, max_tokens=5)).json()
    assert answer["choices"][0]["message"]["content"] == "xxxxx"
    error = client.post(URL, json=chat(logit_bias={"999999": 1})).json()["error"]
    assert "logit_bias names the token 999999; this model's ids go from 0 to" in error["message"]


def test_filters_write_what_they_write_in_python(client, lm):
    asked = {"top_p": 0.7, "top_k": 20, "min_p": 0.01, "presence_penalty": 0.5, "frequency_penalty": 0.3, "seed": 2}
    answer = client.post(URL, json=chat("Tell me.", max_tokens=20, **asked)).json()
    result = lm.generate([{"role": "user", "content": "Tell me."}], max_new_tokens=20, **asked)
    assert answer["choices"][0]["message"]["content"] == result.message.content


def test_a_filter_beside_a_form_is_refused_by_name(client):
    answer = client.post(URL, json=chat(top_p=0.5, diffusion={"choice": ["yes", "no"]}))
    assert answer.status_code == 400
    assert "top_p is 0.5, and " in answer.json()["error"]["message"]


def test_the_likeliest_tokens_are_told_beside_each_token(client):
    asked = chat("Tell me.", seed=3, max_tokens=12, logprobs=True, top_logprobs=3)
    told = client.post(URL, json=asked).json()["choices"][0]["logprobs"]["content"]
    assert told
    for one in told:
        assert len(one["top_logprobs"]) == 3
        first = one["top_logprobs"][0]
        assert (first["token"], first["bytes"]) == (one["token"], one["bytes"])
        assert first["logprob"] == pytest.approx(one["logprob"], abs=1e-3)
    error = client.post(URL, json=chat(top_logprobs=3)).json()["error"]
    assert "top_logprobs is given and logprobs is not; give logprobs: true" in error["message"]


@pytest.mark.parametrize("more", [{}, {"n": 2}, {"top_logprobs": 2}, {"stop": ["e", "zz"]}])
def test_a_stream_tells_the_log_probabilities_of_the_whole_answer_in_pieces(client, more):
    asked = chat("Tell me.", seed=5, max_tokens=40, logprobs=True, **more)
    whole = client.post(URL, json=asked).json()["choices"]
    told = [[] for _ in whole]
    for event in events(client.post(URL, json=asked | {"stream": True}).text):
        for choice in event["choices"]:
            told[choice["index"]] += (choice["logprobs"] or {"content": []})["content"]
    assert told == [(choice["logprobs"] or {"content": []})["content"] for choice in whole]


@pytest.mark.parametrize("stop", [(), ("STOP",), ("night. No",)])
def test_in_a_stream_tokens_and_text_keep_step(client_of, writer, stop):
    lm = writer("<|channel>thought\nA story, then.<channel|>", STORY + " ST", "OP and so on.", CALL, "<turn|>")
    body = chat(max_tokens=96, logprobs=True, stream=True, stop=list(stop))
    thought, content, tokens = "", "", ""
    for event in events(client_of(lm).post(URL, json=body).text):
        (choice,) = event["choices"]
        said = "".join(one["token"] for one in (choice["logprobs"] or {"content": []})["content"])
        tokens += said
        delta = choice["delta"]
        if delta.get("reasoning_content"):
            thought += delta["reasoning_content"]
            assert f"<|channel>thought\n{thought}<channel|>".startswith(tokens)
        if delta.get("content"):
            content += delta["content"]
            shown = tokens.rpartition("<channel|>")[2].partition("<|tool_call>")[0].strip()
            assert content.startswith(shown), "a token is not told before its text"
            assert stop or content == shown, "where nothing is held back, not after it either"
        if delta.get("tool_calls"):
            assert said.startswith(CALL)
    assert thought == "A story, then."
    is_met = stop == ("STOP",)
    assert content == STORY + (" " if is_met else " STOP and so on.")
    assert tokens.endswith("STOP" if is_met else CALL), "the tokens of a stop string are told at the end"
