import pytest

from gesso.server.responses import ResponseRequest, turns
from tests.server.conftest import events

URL = "/v1/responses"
STORY = "A little fox went out to look at the moon, and the moon looked back at the fox all night."
CALL = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>'
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def test_an_answer_is_an_item_with_its_text(client_of, writer):
    answer = client_of(writer(STORY, "<turn|>")).post(URL, json={"input": "A story.", "max_output_tokens": 48}).json()
    (item,) = answer["output"]
    assert item["content"][0]["text"] == STORY
    assert answer["status"] == item["status"] == "completed"
    assert answer["usage"]["output_tokens"] > 0


def test_an_answer_that_is_cut_is_incomplete(client_of, writer):
    answer = client_of(writer(STORY)).post(URL, json={"input": "A story.", "max_output_tokens": 2}).json()
    assert answer["status"] == "incomplete"
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize("stream", [False, True])
def test_thought_answer_and_calls_are_items_of_their_own(client_of, writer, stream):
    lm = writer("<|channel>", "thought\nWhere?\n", "<channel|>", "I will look.", CALL, "<turn|>")
    asked = {"input": "Rain?", "tools": [TOOL], "stream": stream, "max_output_tokens": 64}
    answer = client_of(lm).post(URL, json=asked)
    whole = events(answer.text)[-1]["response"] if stream else answer.json()
    thought, message, call = whole["output"]
    assert (thought["type"], thought["content"][0]["text"]) == ("reasoning", "Where?")
    assert (message["type"], message["content"][0]["text"]) == ("message", "I will look.")
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "weather", '{"city": "Oslo"}')
    assert whole["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


def test_a_stream_opens_and_closes_every_item_and_numbers_its_events(client_of, writer):
    lm = writer("<|channel>", "thought\nWhere?\n", "<channel|>", "I will look.", CALL, "<turn|>")
    told = events(client_of(lm).post(URL, json={"input": "Rain?", "stream": True, "max_output_tokens": 64}).text)
    kinds = [event["type"] for event in told]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 3
    text = "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    assert text == "I will look."
    places = [event["output_index"] for event in told if "output_index" in event]
    assert places == sorted(places)
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    assert done == told[-1]["response"]["output"]


def test_an_answer_without_text_is_a_message_without_text(client_of, writer):
    answer = client_of(writer("<turn|>")).post(URL, json={"input": "Hush."}).json()
    assert answer["output"][0]["content"][0]["text"] == ""


def test_what_a_client_sends_that_asks_for_nothing_is_taken(client):
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}
    said = [{"role": "user", "content": "Hi"}, thought, {"role": "assistant", "content": "Hello."}]
    asked = {"input": [*said, {"role": "user", "content": "And now?"}], "max_output_tokens": 1}
    asked |= {"stream_options": {"include_obfuscation": False}, "stream": None, "reasoning": None, "include": []}
    assert client.post(URL, json=asked).status_code == 200
    asked["stream_options"] = {"include_obfuscation": True}
    assert client.post(URL, json=asked).json()["error"]["param"] == "stream_options.include_obfuscation"


def test_the_input_becomes_turns():
    items = [
        {"role": "user", "content": "Rain?"},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Where?"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "Sun."},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "No.", "annotations": []}],
        },
        {"role": "user", "content": [{"type": "input_text", "text": "Thanks."}]},
    ]
    read = turns(ResponseRequest(input=items, instructions="Be brief."))
    assert [turn.role for turn in read] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert read[2].reasoning_content == "Where?"
    assert read[2].tool_calls[0].function.name == "weather"
    assert read[4].content == "No."
    assert turns(ResponseRequest(input="Hello."))[0].content == "Hello."


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"truncation": "auto"}, "truncation"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"include": ["web_search_call.results"]}, "include.0"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 2}, None),
        ({"diffusion": {"stream_drafts": True}}, "diffusion.stream_drafts"),
        ({"diffusion": {"alternatives": 2}}, "diffusion.alternatives"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input.0.content"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input.0.call_id"),
        ({"input": []}, "input"),
        ({"max_tokens": 3}, "max_tokens"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(client, more, param):
    answer = client.post(URL, json={"input": "x", **more})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_log_probabilities_are_those_of_the_messages_tokens_alone(client_of, writer):
    client = client_of(writer("<|channel>thought\nHm.\n<channel|>", STORY, CALL, "<turn|>"))
    asked = {"input": "x", "max_output_tokens": 80, "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = client.post(URL, json=asked).json()
    (part,) = next(item for item in whole["output"] if item["type"] == "message")["content"]
    assert "".join(one["token"] for one in part["logprobs"]) == part["text"] == STORY
    assert [len(one["top_logprobs"]) for one in part["logprobs"]] == [2] * len(part["logprobs"])
    assert whole["top_logprobs"] == 2
    told = events(client.post(URL, json=asked | {"stream": True}).text)
    deltas = [event for event in told if event["type"] == "response.output_text.delta"]
    assert len(deltas) > 1
    for delta in deltas:
        assert "".join(one["token"] for one in delta["logprobs"]) == delta["delta"]
    (done,) = [event for event in told if event["type"] == "response.output_text.done"]
    assert [one for delta in deltas for one in delta["logprobs"]] == done["logprobs"] == part["logprobs"]
    (plain,) = client.post(URL, json={"input": "x", "max_output_tokens": 80}).json()["output"][1]["content"]
    assert plain["logprobs"] == []
