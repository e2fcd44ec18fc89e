"""The clients that people use, over a real socket, with only the address changed."""

import asyncio
import threading
from dataclasses import replace

import anthropic
import httpx
import openai
import pytest

import gesso
from tests.server.conftest import chat, wait_until
from tests.server.test_service import SlowNetwork, writing

STORY = "A little fox went out to look at the moon, and the moon looked back at the fox all night."
CALL = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>'
TURN = [{"role": "user", "content": "A story, please."}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.fixture
def story(live, writer):
    """The address of a server that tells a story."""
    return live(writer(STORY, "<turn|>"))


@pytest.fixture
def openai_client(story):
    with openai.OpenAI(base_url=f"{story}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_openai_answers_and_streams(openai_client):
    whole = openai_client.chat.completions.create(model="model", messages=TURN, max_tokens=48)
    assert whole.choices[0].message.content == STORY
    assert whole.usage.completion_tokens > 0
    chunks = list(openai_client.chat.completions.create(model="model", messages=TURN, max_tokens=48, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == STORY


def test_openai_survives_drafts_and_sees_them(openai_client):
    with openai_client.chat.completions.stream(
        model="model",
        messages=TURN,
        max_tokens=48,
        stream_options={"include_usage": True},
        extra_body={"diffusion": {"stream_drafts": True, "draft_interval": 0}},
    ) as stream:
        frames = [event.chunk.diffusion for event in stream if hasattr(getattr(event, "chunk", None), "diffusion")]
        final = stream.get_final_completion()
    places = [(frame["canvas"], frame["step"]) for frame in frames]
    assert places, "a slow reader may miss frames, but not all"
    assert places == sorted(places)
    assert final.choices[0].message.content == STORY
    assert final.usage.completion_tokens > 0


def test_openai_reads_tool_calls(live, writer):
    address = live(writer("I will look.", CALL, "<turn|>"))
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none") as client:
        whole = client.chat.completions.create(model="model", messages=TURN, tools=[TOOL], max_tokens=48)
        assert whole.choices[0].message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
        with client.chat.completions.stream(model="model", messages=TURN, tools=[TOOL], max_tokens=48) as stream:
            streamed = stream.get_final_completion()
        assert streamed.choices[0].message.tool_calls[0].function.name == "weather"
        assert streamed.choices[0].finish_reason == "tool_calls"


def test_openai_completes_and_lists(openai_client):
    assert openai_client.completions.create(model="model", prompt="Once", max_tokens=48).choices[0].text == STORY
    assert [model.id for model in openai_client.models.list()] == ["model"]


def test_openai_responds(openai_client):
    whole = openai_client.responses.create(model="model", input="A story.", max_output_tokens=48)
    assert whole.output_text == STORY
    with openai_client.responses.stream(model="model", input="A story.", max_output_tokens=48) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_response().output_text == STORY
    assert kinds[0] == "response.created"


def test_openai_gathers_log_probabilities_of_streams(openai_client):
    settings = {"model": "model", "messages": TURN, "max_tokens": 48, "logprobs": True, "top_logprobs": 2}
    with openai_client.chat.completions.stream(**settings) as stream:
        told = stream.get_final_completion().choices[0].logprobs.content
    assert "".join(one.token for one in told) == STORY
    assert [len(one.top_logprobs) for one in told] == [2] * len(told)
    chunks = openai_client.completions.create(model="model", prompt="Once", max_tokens=48, logprobs=1, stream=True)
    tokens = [token for chunk in chunks if (one := chunk.choices[0].logprobs) for token in one.tokens]
    assert "".join(tokens) == STORY
    wanted = {"include": ["message.output_text.logprobs"], "top_logprobs": 1, "max_output_tokens": 48}
    with openai_client.responses.stream(model="model", input="A story.", **wanted) as stream:
        said = [one.token for event in stream if event.type == "response.output_text.delta" for one in event.logprobs]
        (part,) = stream.get_final_response().output[0].content
    assert "".join(said) == "".join(one.token for one in part.logprobs) == STORY


def test_openai_reads_what_became_of_a_prediction(openai_client):
    prediction = {"type": "content", "content": STORY.replace("fox", "cat")}
    whole = openai_client.chat.completions.create(model="model", messages=TURN, max_tokens=48, prediction=prediction)
    details = whole.usage.completion_tokens_details
    assert whole.choices[0].message.content == STORY
    assert details.accepted_prediction_tokens > details.rejected_prediction_tokens > 0


def test_openai_reads_refusals(openai_client):
    with pytest.raises(openai.BadRequestError) as refused:
        openai_client.chat.completions.create(model="model", messages=TURN, top_p=1.5)
    assert refused.value.param == "top_p"
    with pytest.raises(openai.NotFoundError):
        openai_client.chat.completions.create(model="other", messages=TURN)


def test_openai_asynchronous_clients_share_the_server(story):
    async def ask_all():
        async with openai.AsyncOpenAI(base_url=f"{story}/v1", api_key="none") as client:

            async def ask():
                stream = await client.chat.completions.create(model="model", messages=TURN, max_tokens=48, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*(ask() for _ in range(5)))

    assert asyncio.run(ask_all()) == [STORY] * 5


def test_anthropic_answers_streams_and_counts(live, writer):
    address = live(writer("<|channel>", "thought\nHm.\n", "<channel|>", STORY, "<turn|>"), api_keys=("key",))
    with anthropic.Anthropic(base_url=address, api_key="key", max_retries=0) as client:
        whole = client.messages.create(model="model", max_tokens=64, messages=TURN)
        assert [block.type for block in whole.content] == ["thinking", "text"]
        assert whole.content[1].text == STORY
        with client.messages.stream(model="model", max_tokens=64, messages=TURN) as stream:
            assert "".join(stream.text_stream) == STORY
            assert stream.get_final_message().stop_reason == "end_turn"
        counted = client.messages.count_tokens(model="model", messages=TURN)
        assert counted.input_tokens == whole.usage.input_tokens
        with pytest.raises(anthropic.BadRequestError, match="top_k"):
            client.messages.create(model="model", max_tokens=4, messages=TURN, extra_body={"top_k": -3})
    with (
        anthropic.Anthropic(base_url=address, api_key="wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model="model", max_tokens=4, messages=TURN)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_is_left_off_and_others_are_unharmed(live, lm, stream):
    address = live(replace(writing(lm, SlowNetwork), max_new_tokens=64))
    alone = httpx.post(f"{address}/v1/chat/completions", json=chat(seed=1), timeout=60).json()
    others = []

    def another():
        others.append(httpx.post(f"{address}/v1/chat/completions", json=chat(seed=1), timeout=60).json())

    thread = threading.Thread(target=another)
    with httpx.Client(timeout=60) as client:
        if stream:
            with client.stream("POST", f"{address}/v1/chat/completions", json=chat(stream=True)) as answer:
                next(answer.iter_lines())
                thread.start()
        else:
            thread.start()
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{address}/v1/chat/completions", json=chat(), timeout=0.2)
    thread.join()
    assert others[0]["choices"] == alone["choices"]
    wait_until(lambda: httpx.get(f"{address}/ready").json()["running"] == 0)
    assert "gesso_texts_left_off_total 1.0" in httpx.get(f"{address}/metrics").text


def test_a_server_that_ends_lets_texts_in_progress_finish(lm):
    from tests.server.conftest import running

    answers = []
    with running(replace(writing(lm, SlowNetwork), max_new_tokens=64)) as address:

        def ask():
            answers.append(httpx.post(f"{address}/v1/chat/completions", json=chat(), timeout=60))

        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: httpx.get(f"{address}/ready").json()["running"] == 1)
    thread.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["usage"]["completion_tokens"] == 64


@pytest.mark.slow
def test_the_quickstart_works_with_the_bundled_model_and_shows_drafts_before_text(live):
    lm = gesso.load()
    with openai.OpenAI(base_url=f"{live(lm)}/v1", api_key="none", timeout=600) as client:
        settings = {"model": "bundled", "messages": [{"role": "user", "content": "Write a story about a lost toy."}]}
        stream = client.chat.completions.create(
            **settings, seed=1, stream=True, extra_body={"diffusion": {"stream_drafts": True, "draft_interval": 0}}
        )
        told = ["draft" if hasattr(chunk, "diffusion") else chunk.choices[0].delta.content or "" for chunk in stream]
        whole = client.chat.completions.create(**settings, seed=1)
    text = "".join(piece for piece in told if piece != "draft")
    assert text == whole.choices[0].message.content == lm.generate(settings["messages"], seed=1).message.content
    assert told.index("draft") < next(place for place, piece in enumerate(told) if piece not in ("", "draft"))
