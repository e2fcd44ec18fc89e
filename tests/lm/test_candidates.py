import pytest

from gesso.engine.left_to_right import surprise
from gesso.errors import SettingError
from gesso.lm.candidates import likeliest, seeds


def test_of_several_texts_the_one_that_surprises_the_causal_mode_least_is_returned(lm):
    best = lm.generate("Once", seed=3, best_of=4, steps=2, max_new_tokens=9)
    alone = [lm.generate("Once", seed=seed, steps=2, max_new_tokens=9) for seed in seeds(3, 4)]
    prompt = lm.tokenizer.encode("Once", add_bos=True)

    def mean_nats(one):
        ends = lm.stop_ids if one.finish_reason == "stop" else frozenset()
        return surprise(lm.network, prompt, one.token_ids, end_ids=ends).mean().item()

    assert len({one.token_ids for one in alone}) > 1
    assert best.token_ids == min(alone, key=mean_nats).token_ids


def test_the_seed_of_the_best_repeats_it_alone(lm):
    best = lm.generate("Once", seed=3, best_of=3, steps=2, max_new_tokens=9)
    assert lm.generate("Once", seed=best.seed, steps=2, max_new_tokens=9).token_ids == best.token_ids


def test_each_of_many_prompts_has_its_own_best(lm):
    together = lm.generate(["Once", "One day"], seed=3, best_of=2, steps=2, max_new_tokens=9)
    apart = [lm.generate(one, seed=3, best_of=2, steps=2, max_new_tokens=9) for one in ("Once", "One day")]
    assert [one.token_ids for one in together] == [one.token_ids for one in apart]


def test_the_first_candidate_has_the_seed_that_was_given():
    assert seeds(7, 3)[0] == 7
    assert len(set(seeds(7, 16))) == 16
    assert seeds(7, 3) == seeds(7, 16)[:3]
    assert seeds(None, 1) != seeds(None, 1)


def test_a_text_without_rivals_is_not_judged(writer):
    lm = writer("Hello.")
    writing = lm.start("Once", seed=0)
    writing.finish()
    passes = len(lm.network.encoded)
    assert likeliest(lm.network, [writing]) is writing
    assert len(lm.network.encoded) == passes


@pytest.mark.parametrize("best_of", [0, -2])
def test_fewer_than_one_candidate_is_refused(lm, best_of):
    with pytest.raises(SettingError, match=f"best_of is {best_of}; give 1 or more"):
        lm.generate("Once", best_of=best_of)
