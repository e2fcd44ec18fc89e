from collections.abc import Iterator
from dataclasses import replace

import pytest

from gesso.engine.engine import EngineSettings
from gesso.errors import PromptError
from gesso.lm.together import write_together
from gesso.lm.writing import Writing

PROMPTS = ["Once upon a time", "The fox", [{"role": "user", "content": "Hi"}], "A little red kite", "Once"]


@pytest.mark.parametrize("ahead", [0, 2, 100])
def test_each_text_is_the_one_that_it_would_be_alone_in_the_order_of_the_prompts(lm, ahead):
    alone = [lm.generate(prompt, seed=seed) for seed, prompt in enumerate(PROMPTS)]
    together = write_together((lm.start(prompt, seed=seed) for seed, prompt in enumerate(PROMPTS)), ahead=ahead)
    for one, other in zip(alone, together, strict=True):
        result = other.result()
        assert (result.text, result.token_ids, result.steps) == (one.text, one.token_ids, one.steps)
        assert result.message == one.message


def test_texts_are_taken_only_a_little_ahead(lm):
    started = []

    def writings() -> Iterator[Writing]:
        for seed in range(6):
            started.append(seed)
            yield lm.start("Once", seed=seed)

    together = write_together(writings(), ahead=2)
    next(together)
    assert started == [0, 1, 2]
    next(together)
    assert started == [0, 1, 2, 3]


def test_several_prompts_give_several_texts(lm):
    outs = lm.generate(PROMPTS, seed=3, max_new_tokens=9)
    assert [out.token_ids for out in outs] == [
        lm.generate(prompt, seed=3, max_new_tokens=9).token_ids for prompt in PROMPTS
    ]
    assert [out.message is not None for out in outs] == [False, False, True, False, False]


def test_without_a_seed_each_text_draws_its_own(lm):
    assert len({out.seed for out in lm.generate(["Once"] * 3, max_new_tokens=4)}) == 3


def test_one_bad_prompt_is_refused_before_any_text_is_written(lm):
    with pytest.raises(PromptError, match="the prompt is empty"):
        lm.generate(["Once", ""])
    assert lm.engine.load().waiting == 0


def test_a_text_that_is_left_off_does_not_go_on_beside_others(lm):
    writing = lm.start("Once upon a time", seed=0, steps=40)
    next(writing)
    assert lm.engine.load().running == 1
    del writing
    assert lm.generate("Once", seed=1).token_ids
    assert lm.engine.load().running == 0


def test_a_stop_string_ends_a_text_in_company(writer):
    model = writer(" there was a little red kite. It flew over the hill and came back home")
    outs = model.generate(["Once"] * 3, seed=0, stop="kite", max_new_tokens=64)
    assert [out.text for out in outs] == [" there was a little red "] * 3
    assert model.engine.load().running == 0


def test_a_text_that_the_engine_has_no_room_for_is_written_by_itself(lm):
    small = replace(lm, engine_settings=EngineSettings(page_length=4, prompt_tokens=8, pool_tokens=24))
    prompts = ["Once", "word " * 30]
    assert [out.token_ids for out in small.generate(prompts, seed=0)] == [
        out.token_ids for out in lm.generate(prompts, seed=0)
    ]
    assert small.engine.load().num_pages == 6
