import random
from dataclasses import replace

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed")

from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from gesso.errors import SettingError
from gesso.evals.harness import HarnessModel
from gesso.evals.likelihood import read_left_to_right
from tests.evals.doubles import writer


def ask(kind, *arguments):
    return [Instance(request_type=kind, doc={}, arguments=one, idx=i) for i, one in enumerate(arguments)]


def nats(lm, context, continuation):
    [one] = read_left_to_right(lm.network, [(context, continuation)])
    return one.nats


@pytest.fixture(scope="module")
def model(lm):
    return HarnessModel(lm)


def test_the_class_is_registered_by_its_name():
    assert get_model("gesso") is HarnessModel
    assert "hf" in __import__("lm_eval.api.registry", fromlist=["model_registry"]).model_registry


def test_likelihoods_are_read_left_to_right(model, lm):
    encode, bos = lm.tokenizer.encode, lm.tokenizer.bos_id
    found = model.loglikelihood(ask("loglikelihood", ("The fox had a", " red kite"), ("", "Once")), disable_tqdm=True)
    expected = [nats(lm, [bos, *encode("The fox had a")], encode(" red kite")), nats(lm, [bos], encode("Once"))]
    assert [logprob for logprob, _ in found] == pytest.approx([-one for one in expected], rel=1e-4)
    assert all(isinstance(is_greedy, bool) for _, is_greedy in found)


def test_a_long_context_loses_its_beginning(model, lm):
    [(logprob, _)] = model.loglikelihood(ask("loglikelihood", ("kite " * 300, "boat")), disable_tqdm=True)
    ids = lm.tokenizer.encode("kite " * 300 + "boat")
    context = lm.tokenizer.encode("kite " * 299 + "kite")
    continuation = ids[len(context) :]
    assert logprob == pytest.approx(-nats(lm, context[-(256 - len(continuation)) :], continuation), rel=1e-4)


def test_by_the_bound_a_model_that_knows_the_answer_prefers_it(lm):
    knowing = HarnessModel(writer(lm, lambda text: " red kite", 32), mode="bound", num_samples=8)
    patch_context(knowing)
    right, wrong = knowing.loglikelihood(
        ask("loglikelihood", ("The fox had a", " red kite"), ("The fox had a", " blue boat")), disable_tqdm=True
    )
    assert right[0] > wrong[0]
    [rolling] = knowing.loglikelihood_rolling(ask("loglikelihood_rolling", (" red kite",)), disable_tqdm=True)
    assert rolling > wrong[0]


def patch_context(model):
    """Let a scripted network answer the bound, which reads texts through another kind of cache."""
    network = model._lm.network
    answer = network.answer([])

    def denoise(canvas, cache, conditioning=None, *, context=None):
        import torch

        lines = torch.tensor([answer] * len(canvas))
        return torch.zeros(*canvas.shape, network.config.vocab_size).scatter(-1, lines.unsqueeze(-1), 30.0)

    network.denoise = denoise
    from tests.evals.test_likelihood import encode_nothing

    network.encode = encode_nothing(network)


def test_the_bound_of_equal_requests_is_equal(lm):
    model = HarnessModel(lm, mode="bound", num_samples=2)
    first, second = model.loglikelihood(ask("loglikelihood", *[("The fox", " ran")] * 2), disable_tqdm=True)
    assert first == second


def test_a_whole_text_is_read_after_the_bos_token_in_pieces_if_need_be(model, lm):
    short, long = "The fox had a kite.", "The fox had a kite. " * 60
    found = model.loglikelihood_rolling(ask("loglikelihood_rolling", (short,), (long,)), disable_tqdm=True)
    assert found[0] == pytest.approx(-nats(lm, [lm.tokenizer.bos_id], lm.tokenizer.encode(short)), rel=1e-4)
    ids = lm.tokenizer.encode(long)
    assert len(ids) > 256
    first = nats(lm, [lm.tokenizer.bos_id], ids[:255])
    assert found[1] < -first


def test_a_text_is_written_up_to_its_first_stop_string(lm):
    model = HarnessModel(writer(lm, lambda text: " a red kite. Then a boat.", 32), steps=3)
    written = model.generate_until(
        ask(
            "generate_until",
            ("The fox had", {"until": [".", "kite"]}),
            ("The fox had", {"until": "Then", "max_gen_toks": 32, "do_sample": False, "temperature": 0.0}),
            ("The fox had", {"until": [], "temperature": 0.7, "do_sample": True}),
            ("The fox had", {"max_gen_toks": 2}),
        ),
        disable_tqdm=True,
    )
    two_tokens = lm.tokenizer.decode(lm.tokenizer.encode(" a red kite.")[:2])
    assert written == [" a red ", " a red kite. ", " a red kite. Then a boat.", two_tokens]


def test_texts_are_written_in_the_models_own_mode(lm):
    left_to_right = replace(lm, mode="autoregressive")
    asked = ask("generate_until", ("The fox had", {"until": [], "max_gen_toks": 8}))
    written = HarnessModel(left_to_right, seed=3).generate_until(asked, disable_tqdm=True)
    seed = random.Random(3).getrandbits(48)
    assert written == [left_to_right.generate("The fox had", max_new_tokens=8, seed=seed).text]
    assert written != HarnessModel(lm, seed=3).generate_until(asked, disable_tqdm=True)


def test_what_the_chat_template_wrote_is_read_as_the_template_means_it(model, lm):
    rendered = model.apply_chat_template([{"role": "user", "content": "Hi"}])
    from gesso.text.message import Message

    assert model.tok_encode(rendered) == lm.template.encode([Message(role="user", content="Hi")])
    typed = model.tok_encode("<|turn>")
    assert typed[0] == lm.tokenizer.bos_id
    assert not set(typed[1:]) & lm.tokenizer.special_ids


def test_settings_that_a_canvas_does_not_have_are_refused(model):
    idle = {"until": ["."], "top_p": 1.0, "num_beams": 1, "repetition_penalty": None}
    assert len(model.generate_until(ask("generate_until", ("a", idle)), disable_tqdm=True)) == 1
    with pytest.raises(SettingError, match=r"a task asks for top_p=0\.9"):
        model.generate_until(ask("generate_until", ("a", {"top_p": 0.9})), disable_tqdm=True)
    with pytest.raises(SettingError, match="mode is 'exact'; use one of autoregressive, bound"):
        HarnessModel("bundled", mode="exact")
    with pytest.raises(SettingError, match="dtype is 'int4'"):
        HarnessModel("bundled", dtype="int4")


@pytest.mark.slow
def test_the_harness_runs_a_task_of_its_own_form(lm):
    pytest.importorskip("datasets")
    import datasets
    import lm_eval
    from lm_eval.api.task import ConfigurableTask

    rows = [{"question": f"The fox had a {thing}", "choices": [" kite", " boat"], "answer": 0} for thing in "abc"]
    task = ConfigurableTask(
        config={
            "task": "foxes",
            "custom_dataset": lambda **_: {"test": datasets.Dataset.from_list(rows)},
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "answer",
            "metric_list": [{"metric": "acc"}],
        }
    )
    found = lm_eval.simple_evaluate(model=HarnessModel(lm), tasks=[task], bootstrap_iters=0)
    assert 0 <= found["results"]["foxes"]["acc,none"] <= 1
