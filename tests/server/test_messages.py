import pytest

from tests.server.conftest import events

URL = "/v1/messages"
STORY = "A little fox went out to look at the moon, and the moon looked back at the fox all night."
CALL = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>'
TOOL = {"name": "weather", "input_schema": {"type": "object"}}


def ask(content="hi", **more):
    return {"max_tokens": 64, "messages": [{"role": "user", "content": content}], **more}


def test_an_answer_is_a_block_of_text_and_says_why_it_ended(client_of, writer):
    client = client_of(writer(STORY, "<turn|>"))
    answer = client.post(URL, json=ask()).json()
    assert answer["content"] == [{"type": "text", "text": STORY}]
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("end_turn", None)
    assert client.post(URL, json=ask(max_tokens=3)).json()["stop_reason"] == "max_tokens"
    stopped = client.post(URL, json=ask(stop_sequences=["back", "moon"])).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "moon")
    assert stopped["content"][0]["text"].rstrip() == "A little fox went out to look at the"


@pytest.mark.parametrize("stream", [False, True])
def test_thought_answer_and_calls_are_blocks_of_their_own(client_of, writer, stream):
    lm = writer("<|channel>", "thought\nWhere?\n", "<channel|>", "I will look.", CALL, "<turn|>")
    answer = client_of(lm).post(URL, json=ask("Rain?", tools=[TOOL], stream=stream))
    if not stream:
        thought, text, call = answer.json()["content"]
        assert (thought["thinking"], text["text"], call["input"]) == ("Where?", "I will look.", {"city": "Oslo"})
        assert answer.json()["stop_reason"] == "tool_use"
        return
    told = events(answer.text)
    kinds = [event["type"] for event in told]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert told[-2]["delta"]["stop_reason"] == "tool_use"
    starts = [event["content_block"]["type"] for event in told if event["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use"]
    assert kinds.count("content_block_stop") == 3
    assert [event["index"] for event in told if "index" in event] == sorted(e["index"] for e in told if "index" in e)
    text = "".join(e["delta"]["text"] for e in told if e.get("delta", {}).get("type") == "text_delta")
    assert text == "I will look."


def test_tokens_are_counted_as_they_are_when_it_is_answered(client):
    asked = ask("Rain?", system=[{"type": "text", "text": "Be brief."}], tools=[TOOL], thinking={"type": "adaptive"})
    counted = client.post(f"{URL}/count_tokens", json={k: v for k, v in asked.items() if k != "max_tokens"}).json()
    assert counted["input_tokens"] == client.post(URL, json=asked).json()["usage"]["input_tokens"]
    fewer = client.post(f"{URL}/count_tokens", json={"messages": asked["messages"]}).json()
    assert fewer["input_tokens"] < counted["input_tokens"]


def test_a_tool_can_answer_within_a_turn(client):
    history = [
        {"role": "user", "content": "Rain?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Where?", "signature": ""},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "Sun."}]},
                {"type": "text", "text": "So?"},
            ],
        },
    ]
    answer = client.post(URL, json={"max_tokens": 4, "messages": history, "tools": [TOOL]})
    assert answer.status_code == 200, answer.text


def test_the_model_is_told_that_a_tool_failed(client):
    call = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "no network"}
    counted = [
        client.post(
            f"{URL}/count_tokens",
            json={
                "messages": [
                    {"role": "user", "content": "Rain?"},
                    {"role": "assistant", "content": [call]},
                    {"role": "user", "content": [content]},
                ]
            },
        ).json()["input_tokens"]
        for content in (result | {"is_error": True}, result | {"content": "error: no network"}, result)
    ]
    assert counted[0] == counted[1] > counted[2]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, "max_tokens is missing"),
        (ask(top_k=-5), "top_k"),
        (ask(top_p=1.5), "top_p"),
        (ask(tool_choice={"type": "any"}), "there are no tools"),
        (ask([{"type": "image", "source": {}}]), "messages.0.content.0"),
        (ask([{"type": "tool_result", "content": "x"}]), "without tool_use_id"),
        (ask([{"type": "tool_use", "id": "1", "name": "f", "input": {}}]), "remove it"),
        ({"max_tokens": 4, "messages": [{"role": "assistant", "content": "I"}]}, "end with a user's message"),
        (ask(diffusion={"stream_drafts": True}), "drafts are not streamed here"),
        (ask(stop_sequences=[""]), "empty string"),
    ],
)
def test_a_refusal_has_anthropics_shape(client, body, part):
    answer = client.post(URL, json=body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert part in answer.json()["error"]["message"]
