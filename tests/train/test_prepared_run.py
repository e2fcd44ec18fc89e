import itertools
import json
from dataclasses import replace

import pytest
import torch

from gesso.checkpoint.adapter import load_adapter, merge_adapter
from gesso.checkpoint.load import load_network
from gesso.errors import DataError, OutputError, SettingError
from gesso.train.datasets import Record
from gesso.train.lora import Lora
from gesso.train.prepared_run import prepare_run
from gesso.train.run_state import load_average
from gesso.train.start import FromModel, FromScratch
from tests.tiny_model import CONFIG, save_tiny_model
from tests.train.chat_text import turns
from tests.train.test_run import make_run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(save_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    values = [turns("Who?", f"Mia had {n} kites.") for n in range(4)] + [{"text": "Tom ran home. " * 9}]
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


@pytest.fixture
def run(model, data):
    return make_run(start=FromModel(model=model), data=data, texts_per_batch=2)


def weights(network):
    return [p.detach().clone() for p in network.parameters()]


def test_a_run_leaves_the_model_that_it_trained(run, model, tmp_path):
    prepared = prepare_run(run, tmp_path / "run")
    assert (prepared.checked.num_documents, len(prepared.store)) == (5, 5)
    assert [event.step for event in prepared.steps()] == [1, 2, 3, 4]
    trained = weights(prepared.materials.network)
    assert prepared.export() == tmp_path / "run" / "model"
    left = load_network(tmp_path / "run" / "model")
    assert all(map(torch.equal, trained, left.parameters()))
    assert not torch.equal(left.embed_tokens.weight, load_network(model).embed_tokens.weight)
    assert (tmp_path / "run" / "model" / "chat_template.jinja").is_file()


def test_a_run_that_was_cut_off_goes_on_with_the_data_and_the_steps_that_it_would_have_had(run, tmp_path):
    whole = prepare_run(run, tmp_path / "whole")
    events = list(whole.steps())
    list(itertools.islice(prepare_run(run, tmp_path / "cut").steps(), 3))
    resumed = prepare_run(run, tmp_path / "cut")
    assert resumed.checked is None
    again = list(resumed.steps())
    assert [(e.step, e.total) for e in again] == [(e.step, e.total) for e in events[2:]]
    assert all(map(torch.equal, weights(resumed.materials.network), weights(whole.materials.network)))


@pytest.mark.parametrize("lora", [None, Lora(rank=2)])
def test_averaged_weights_are_left_where_the_run_keeps_them(run, tmp_path, lora):
    """With a decay of nearly 1 the average is nearly what the run began with."""
    averaged = replace(run, lora=lora, settings=replace(run.settings, ema=0.9999))
    prepared = prepare_run(averaged, tmp_path / "run")
    began = weights(prepared.materials.network)
    list(prepared.steps())
    trained = weights(prepared.materials.network)
    load_average(tmp_path / "run", prepared.materials.network)
    left = weights(prepared.materials.network)
    assert max(float((a - b).abs().max()) for a, b in zip(began, left, strict=True)) < 1e-4
    assert max(float((a - b).abs().max()) for a, b in zip(began, trained, strict=True)) > 1e-3
    place = prepared.export()
    if lora is None:
        assert all(map(torch.equal, load_network(place).parameters(), left))
    else:
        network = load_network(run.start.model)
        kept = [f for pair in load_adapter(place, network).factors.values() for f in (pair.a, pair.b)]
        assert all(any(torch.equal(one, other) for other in left) for one in kept)


def test_an_adapter_is_left_and_the_merged_model_where_it_is_asked_for(run, model, data, tmp_path):
    lora = make_run(start=run.start, data=data, texts_per_batch=2, lora=Lora(rank=2))
    prepared = prepare_run(lora, tmp_path / "run")
    list(prepared.steps())
    assert prepared.export(merge=True) == tmp_path / "run" / "adapter"
    merged = load_network(model)
    merge_adapter(merged, load_adapter(tmp_path / "run" / "adapter", merged))
    left = load_network(tmp_path / "run" / "model")
    assert all(map(torch.equal, left.parameters(), merged.parameters()))
    assert not torch.equal(left.layers[0].mlp.up_proj.weight, load_network(model).layers[0].mlp.up_proj.weight)
    assert torch.equal(left.embed_tokens.weight, load_network(model).embed_tokens.weight)


def test_a_new_network_is_trained_and_left_in_the_published_layout(data, tmp_path):
    prepared = prepare_run(make_run(start=FromScratch(shape=CONFIG), data=data), tmp_path / "run")
    list(itertools.islice(prepared.steps(), 1))
    prepared.export()
    assert load_network(tmp_path / "run" / "model").dtype == torch.bfloat16


def test_data_can_be_a_function(run, tmp_path):
    def count_up():
        return (Record(value={"text": f"{n} kites. " * 5}, origin=f"story {n}") for n in range(3))

    prepared = prepare_run(make_run(start=run.start, data=count_up), tmp_path / "run")
    assert prepared.checked.num_documents == 3


def test_broken_data_leave_the_folder_free_for_the_next_try(run, data, tmp_path):
    good = data.read_text()
    data.write_text(good + "{\n")
    with pytest.raises(DataError, match=r"data.jsonl, line 6: it is not JSON"):
        prepare_run(run, tmp_path / "run")
    data.write_text(good)
    assert prepare_run(run, tmp_path / "run").checked.num_documents == 5


def test_a_run_is_not_gone_on_with_under_other_words_and_is_overwritten_only_when_asked(run, data, tmp_path):
    other = make_run(start=run.start, data=data, texts_per_batch=3)
    list(prepare_run(run, tmp_path / "run").steps())
    with pytest.raises(OutputError, match="texts_per_batch 2, and now it is 3"):
        prepare_run(other, tmp_path / "run")
    prepared = prepare_run(other, tmp_path / "run", overwrite=True)
    assert next(prepared.steps()).step == 1


def test_a_text_length_beyond_the_context_is_refused(run, data, tmp_path):
    long = make_run(start=run.start, data=data, max_length=257)
    with pytest.raises(SettingError, match="the longest text is 257 tokens and the model's context 256"):
        prepare_run(long, tmp_path / "run")
    assert not (tmp_path / "run").exists()
