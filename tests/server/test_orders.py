import pytest

from gesso.server.orders import first_canvas_of, orders
from gesso.server.parameters import Diffusion, Pin, Sampling
from gesso.server.refusal import Refusal


def make(lm, body, **more):
    settings = {"sampler": lm.sampler, "max_new_tokens": None, "stop": (), "is_conversation": False, **more}
    return orders(lm, [2, 40], body, **settings)


def test_an_order_has_what_was_asked(lm):
    first, second = make(lm, Sampling(seed=3, diffusion=Diffusion(stream_drafts=True, draft_interval=0)), num=2)
    assert first.request.seed == 3 != second.request.seed
    assert first.draft_interval_s == 0
    assert first.request.max_new_tokens == lm.max_new_tokens
    assert first.tokens == 2 + lm.max_new_tokens
    assert make(lm, Sampling())[0].draft_interval_s is None


def test_a_prompt_longer_than_the_server_takes_is_refused(lm):
    with pytest.raises(Refusal, match="has 2 tokens and this server takes 1") as refused:
        make(lm, Sampling(), max_prompt_tokens=1)
    assert refused.value.code == "context_length_exceeded"


def test_pins_lie_where_they_were_put(lm):
    ids = lm.tokenizer.encode(" fox")
    first = first_canvas_of(lm, [Pin(start=3, text=" fox")])
    assert list(first.token_ids[3 : 3 + len(ids)]) == ids
    assert [place for place, pinned in enumerate(first.pinned) if pinned] == list(range(3, 3 + len(ids)))
    assert first_canvas_of(lm, []) is None


def test_a_pin_outside_of_the_canvas_or_on_another_is_refused_by_its_number(lm):
    with pytest.raises(Refusal, match="reaches position") as refused:
        first_canvas_of(lm, [Pin(start=16, text="x")])
    assert refused.value.param == "diffusion.pins.0"
    with pytest.raises(Refusal, match=r"pins\.1 lies on another"):
        first_canvas_of(lm, [Pin(start=0, text="x"), Pin(start=0, text="y")])


def test_a_draft_has_a_noise_level_and_that_of_a_reply_ends_the_turn(lm):
    ids = tuple(lm.tokenizer.encode(" fox"))
    body = Sampling(diffusion=Diffusion(draft=" fox", draft_noise=0.25))
    (text,), (reply,) = make(lm, body), make(lm, body, is_conversation=True)
    assert (text.request.draft.token_ids, set(text.request.draft.levels)) == (ids, {0.25})
    assert reply.request.draft.token_ids == (*ids, lm.tokenizer.token_id("<turn|>"))
    (predicted,) = make(lm, Sampling(diffusion=Diffusion(draft_noise=0.25)), prediction=" fox", is_conversation=True)
    assert predicted.request.draft == reply.request.draft
    assert make(lm, Sampling())[0].request.draft is None


@pytest.mark.parametrize(
    ("body", "more", "param", "words"),
    [
        (Diffusion(draft=""), {}, "diffusion.draft", "has no tokens"),
        (Diffusion(), {"prediction": ""}, "prediction", "has no tokens"),
        (Diffusion(draft="a"), {"prediction": "b"}, "prediction", "both given"),
        (Diffusion(draft="a"), {"logprobs": True}, "diffusion.draft", "predicted by no step"),
        (Diffusion(draft_noise=0.5), {}, "diffusion.draft", "there is no draft"),
    ],
)
def test_a_draft_that_cannot_be_used_is_refused_by_its_field(lm, body, more, param, words):
    with pytest.raises(Refusal, match=words) as refused:
        make(lm, Sampling(diffusion=body), **more)
    assert refused.value.param == param
