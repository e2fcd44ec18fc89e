from dataclasses import replace

import pytest

from gesso.engine.events import CanvasCommitted, Finished, StepDone
from gesso.engine.request import Draft
from gesso.errors import PromptError, SettingError
from gesso.text.message import Message

STORY = " there was a little red kite. It flew over the hill and came back home before the rain began to fall."


def test_a_text_is_written_with_what_it_took(lm):
    out = lm.generate("Once upon a time", seed=4)
    assert out.text == lm.tokenizer.decode(out.token_ids)
    assert len(out.token_ids) == 24
    assert out.finish_reason == "length"
    assert out.steps == [3, 3]
    assert out.seed == 4
    assert out.prompt_tokens == len(lm.tokenizer.encode("Once upon a time", add_bos=True))
    assert out.message is None
    assert out.seconds > 0


def test_tokens_per_forward_counts_denoising_steps_and_a_commit_for_each_canvas(lm):
    out = lm.generate("Once", seed=4)
    assert out.tokens_per_forward == 24 / (3 + 1 + 3 + 1)
    assert out.tokens_per_second == pytest.approx(24 / out.seconds)


def test_the_prompt_is_read_from_its_bos_token_on(writer):
    model = writer(STORY)
    model.generate("Once upon a time", seed=0)
    assert model.network.encoded[0] == [2, *model.tokenizer.encode("Once upon a time")]


def test_a_seed_repeats_a_text_and_the_seed_that_was_drawn_is_told(lm):
    drawn = lm.generate("Once upon a time")
    assert lm.generate("Once upon a time", seed=drawn.seed).token_ids == drawn.token_ids
    assert lm.generate("Once upon a time", seed=drawn.seed + 1).token_ids != drawn.token_ids


def test_two_texts_without_a_seed_differ(lm):
    assert lm.generate("Once").seed != lm.generate("Once").seed


def test_events_carry_text_and_together_they_are_the_text(writer):
    model = writer(STORY)
    events = list(model.stream("Once upon a time", seed=0, max_new_tokens=64))
    assert "".join(e.text for e in events if isinstance(e, CanvasCommitted | Finished)) == STORY
    drafts = [e.draft_text for e in events if isinstance(e, StepDone)]
    assert all(STORY.startswith(draft) for draft in drafts)
    assert drafts[-1] == STORY


def test_the_stream_is_the_text_that_generate_returns(lm):
    events = list(lm.stream("Once upon a time", seed=7))
    assert "".join(e.text for e in events if isinstance(e, CanvasCommitted | Finished)) == (
        lm.generate("Once upon a time", seed=7).text
    )


def test_a_draft_shows_no_more_than_the_length_asked_for(writer):
    model = writer(STORY)
    drafts = [e.draft_text for e in model.stream("Once", seed=0, max_new_tokens=5) if isinstance(e, StepDone)]
    assert set(drafts) == {model.tokenizer.decode(model.tokenizer.encode(STORY)[:5])}


def test_left_off_early_the_committed_text_stays(writer):
    writing = writer(STORY).start("Once", seed=0, max_new_tokens=64)
    for event in writing:
        if isinstance(event, CanvasCommitted):
            break
    out = writing.result()
    assert out.text == event.text == writing.text
    assert STORY.startswith(out.text)
    assert len(out.token_ids) == 16
    assert out.steps == [2]
    assert out.finish_reason == "length"


def test_left_off_before_anything_is_committed_the_text_is_empty(lm):
    writing = lm.start("Once", seed=0)
    next(writing)
    out = writing.result()
    assert (out.text, out.token_ids, out.steps, out.tokens_per_forward) == ("", (), [], 0.0)
    assert lm.start("Once").result().tokens_per_second == 0.0


def test_the_time_between_events_is_not_counted(lm, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("gesso.lm.writing.time.perf_counter", lambda: now[0])
    writing = lm.start("Once", seed=0)
    for _ in writing:
        now[0] += 100.0
    assert writing.seconds == 0.0


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("kite", " there was a little red "),
        (("rain", "."), " there was a little red kite"),
        (["hill and came"], " there was a little red kite. It flew over the "),
        ("nowhere", STORY),
        ((), STORY),
    ],
)
def test_a_stop_string_ends_the_text_and_is_no_part_of_it(writer, stop, text):
    out = writer(STORY).generate("Once", seed=0, max_new_tokens=64, stop=stop)
    assert out.text == text
    assert out.finish_reason == "stop"


def test_with_a_stop_string_the_tokens_end_with_the_one_that_completes_it(writer):
    model = writer(STORY)
    out = model.generate("Once", seed=0, max_new_tokens=64, stop="hill and")
    assert model.tokenizer.decode(out.token_ids) == " there was a little red kite. It flew over the hill and"
    events = list(model.stream("Once", seed=0, max_new_tokens=64, stop="hill and"))
    assert tuple(i for e in events if isinstance(e, CanvasCommitted) for i in e.token_ids) == out.token_ids
    assert sum(isinstance(e, CanvasCommitted) for e in events) == len(out.steps)


def test_what_was_held_back_for_a_stop_string_comes_at_the_end(writer):
    model = writer(" a red ki")
    assert model.generate("Once", seed=0, stop="kite").text == " a red ki"
    *_, last = model.stream("Once", seed=0, stop="kite")
    assert last == Finished(reason="stop", text="ki")


def test_a_conversation_is_answered_in_the_chat_format(writer):
    model = writer(" Hello, Tom.", "<turn|>", " noise")
    out = model.generate([{"role": "user", "content": "Hi"}], seed=0)
    assert model.network.encoded[0] == model.template.encode([Message("user", "Hi")])
    assert out.message == Message("model", "Hello, Tom.")
    assert out.finish_reason == "stop"


def test_the_thought_of_a_reply_is_told_apart_from_its_answer(writer):
    model = writer("<|channel>", "thought\nA kite.", "<channel|>", "It is red.", "<turn|>")
    conversation = [Message("user", "What is red?")]
    out = model.generate(conversation, seed=0, thinking=True)
    assert out.message == Message("model", "It is red.", thought="A kite.")
    assert model.network.encoded[0] == model.template.encode(conversation, thinking=True)


def test_a_stop_string_ends_a_reply_too(writer):
    out = writer("One two three", "<turn|>").generate([Message("user", "Count")], seed=0, stop="two")
    assert out.message == Message("model", "One ")


def test_an_unfinished_thought_is_no_answer_yet(writer):
    writing = writer("<|channel>", "thought\n" + STORY * 2).start([Message("user", "Think")], seed=0, thinking=True)
    while not writing.token_ids:
        next(writing)
    assert writing.message.content == ""
    assert writing.message.thought.startswith("there was")


def test_every_setting_reaches_the_sampler(lm):
    writing = lm.start(
        "Once",
        steps=5,
        t_max=0.9,
        t_min=0.1,
        entropy_bound=0.7,
        reach=5,
        confidence=0.02,
        stability=2,
        slide=7,
        mode="diffusion",
        max_new_tokens=9,
    )
    assert writing.request.max_new_tokens == 9
    assert writing.request.sampler.to_generation_config() == {
        "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": 0.7},
        "acceptance_reach": 5,
        "slide": 7,
        "max_denoising_steps": 5,
        "t_max": 0.9,
        "t_min": 0.1,
        "stability_threshold": 2,
        "confidence_threshold": 0.02,
    }
    assert lm.start("Once", temperature=0.0).request.sampler.temperature.value == 0.0


def test_a_draft_begins_the_text_as_its_tokens(lm):
    ids = tuple(lm.tokenizer.encode(" upon a time"))
    assert lm.start("Once", draft=" upon a time").request.draft == Draft(token_ids=ids, levels=(0.3,) * len(ids))
    assert lm.start("Once", draft=" upon a time", draft_noise=1.0).request.draft.levels == (1.0,) * len(ids)
    assert lm.start("Once").request.draft is None
    assert lm.generate("Once", draft=" upon a time", seed=3).text != lm.generate("Once", seed=3).text


@pytest.mark.parametrize(
    ("prompt", "settings", "error", "words"),
    [
        ("", {}, PromptError, "the prompt is empty"),
        ([], {}, PromptError, "the conversation is empty"),
        ([{"role": "user"}], {}, PromptError, '"role" and "content"'),
        ([{"role": "user", "content": "Hi", "name": "x"}], {}, PromptError, "message 0 has 'name'"),
        ([{"role": "judge", "content": "Hi"}], {}, PromptError, "'judge'"),
        ("kite " * 300, {}, PromptError, "exceed the context of 256"),
        ("half \udce9 pair", {}, PromptError, "surrogate"),
        ("Once", {"steps": 0}, SettingError, "the number of steps is 0"),
        ("Once", {"temperature": -0.5}, SettingError, "the temperature is -0.5"),
        ("Once", {"temperature": float("nan")}, SettingError, "the temperature is nan"),
        ("Once", {"temperature": 1.0, "t_max": 1.0}, SettingError, "give one temperature"),
        ("Once", {"max_new_tokens": 0}, SettingError, "max_new_tokens is 0"),
        ("Once", {"stop": ""}, SettingError, "not empty"),
        ("Once", {"thinking": True}, SettingError, "give a conversation"),
        ("Once", {"draft": ""}, SettingError, "the draft has no tokens"),
        ("Once", {"draft": "x", "draft_noise": 2.0}, SettingError, "a noise level of the draft is 2"),
        ("Once", {"draft_noise": 0.5}, SettingError, "draft_noise is 0.5 and there is no draft"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(lm, prompt, settings, error, words):
    with pytest.raises(error, match=words):
        lm.start(prompt, **settings)


def test_a_text_can_be_written_in_each_mode_and_the_models_own_is_the_default(lm):
    texts = {
        mode: lm.generate("Once upon a time", seed=4, mode=mode) for mode in ("diffusion", "verified", "autoregressive")
    }
    assert texts["diffusion"] == replace(lm.generate("Once upon a time", seed=4), seconds=texts["diffusion"].seconds)
    assert texts["diffusion"].readings == [0, 0]
    assert all(count > 0 for count in texts["verified"].readings)
    assert texts["autoregressive"].steps == [16, 8]
    own = replace(lm, mode="autoregressive")
    assert own.generate("Once upon a time", seed=4).token_ids == texts["autoregressive"].token_ids


def test_the_published_sampler_knows_no_mode_of_ours_unless_one_is_asked_for(lm):
    own = replace(lm, mode="verified")
    assert own.start("Once", sampler="reference").request.mode == "diffusion"
    assert own.start("Once", sampler="reference", mode="verified").request.mode == "verified"
    assert own.start("Once").request.mode == "verified"


def test_readings_count_among_the_passes(lm):
    out = lm.generate("Once", seed=4, mode="verified")
    assert out.tokens_per_forward == 24 / (sum(out.steps) + sum(out.readings) + 2)


def test_filters_prefer_and_leave_out_tokens(lm):
    plain = lm.generate("Once", seed=1, max_new_tokens=20, temperature=1.0)
    idle = lm.generate("Once", seed=1, max_new_tokens=20, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, logit_bias={})
    assert idle.token_ids == plain.token_ids
    banned = lm.generate("Once", seed=1, max_new_tokens=20, temperature=1.0, logit_bias={plain.token_ids[0]: -100.0})
    assert plain.token_ids[0] not in banned.token_ids
    for mode in ("diffusion", "autoregressive"):
        greedy = lm.generate("Once", seed=1, max_new_tokens=20, temperature=0.0, mode=mode)
        single = lm.generate("Once", seed=1, max_new_tokens=20, temperature=1.0, mode=mode, top_k=1)
        assert single.token_ids == greedy.token_ids
    with pytest.raises(SettingError, match=r"top_p is 1\.5; give a probability from 0 to 1"):
        lm.generate("Once", top_p=1.5)


def test_log_probabilities_may_come_with_the_likeliest_tokens(lm):
    out = lm.generate("Once", seed=1, max_new_tokens=12, logprobs=True, top_logprobs=2)
    assert [one.top[0][0] for one in out.logprobs] == list(out.token_ids)
