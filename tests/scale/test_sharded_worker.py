import json
from pathlib import Path

import pytest
import torch

from gesso.errors import TrainingError
from gesso.train.run_state import FILE_NAME, load_average
from gesso.train.sharded_state import FOLDER_NAME, newest_sharded_state
from tests.scale import runs
from tests.scale.runs import CUT, FEATURES, RESUMED, STEPS, finish, run, start_processes
from tests.train.conftest import tiny_network

# Muon orthogonalises in bfloat16, so a difference in the last bit of a sum may grow to 2^-8 of an update; and after
# some such updates the gradients differ by more than the losses.
TOLERANCE, NORM_TOLERANCE = 1e-3, 3e-2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one process and two have trained the same networks, and begun runs for each other."""
    folder = tmp_path_factory.mktemp("runs")
    for name in RESUMED:
        run(name, folder / name / "one to many", steps=CUT)
    processes = start_processes(2, runs.__file__, folder)
    told = {name: [vars_of(event) for event in run(name, folder / name / "one")] for name in FEATURES}
    finish(processes)
    (folder / "one.json").write_text(json.dumps(told))
    return folder


def vars_of(event):
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def figures(event):
    """What a step says of itself."""
    return [event[name] for name in ("total", "encode", "denoise", "gradient_norm")]


def same_curve(events, others):
    """Whether two runs have taken the same steps, as far as Muon's rounding lets them."""
    return [event["step"] for event in events] == [event["step"] for event in others] and all(
        figures(event)[:3] == pytest.approx(figures(other)[:3], rel=TOLERANCE, nan_ok=True)
        and event["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=NORM_TOLERANCE)
        and event["denoise_by_level"] == pytest.approx(other["denoise_by_level"], rel=1e-2, nan_ok=True)
        for event, other in zip(events, others, strict=True)
    )


def one(folder, name):
    return json.loads((folder / "one.json").read_text())[name]


def many(folder, name):
    return json.loads((folder / "events.json").read_text())[name]


@pytest.mark.parametrize("name", [*RESUMED, "left to right"])
def test_two_processes_give_the_curve_of_one(folder, name):
    alone, shared = one(folder, name), many(folder, f"{name} whole")
    assert len(shared) == STEPS
    # The first step is from equal weights: only the order of sums differs.
    assert figures(shared[0]) == pytest.approx(figures(alone[0]), rel=1e-5, nan_ok=True)
    assert same_curve(shared, alone)
    assert [event["canvas_tokens"] for event in shared] == [event["canvas_tokens"] for event in alone]


def test_in_bfloat16_two_processes_give_nearly_the_curve_of_one(folder):
    alone, shared = one(folder, "bfloat16"), many(folder, "bfloat16 whole")
    # Every gradient is rounded to 8 bits before it is added to others, here in another order.
    assert [event["total"] for event in shared] == pytest.approx([event["total"] for event in alone], rel=1e-2)


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_of_two_processes_is_gone_on_with_by_two(folder, name):
    whole, resumed = many(folder, f"{name} whole"), many(folder, f"{name} many to many")
    for event, other in zip(whole[CUT:], resumed, strict=True):
        assert figures(event) == pytest.approx(figures(other), rel=1e-6)


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_of_one_process_is_gone_on_with_by_two(folder, name):
    resumed = many(folder, f"{name} one to many")
    begun = one(folder, name)
    assert figures(resumed[0]) == pytest.approx(figures(begun[CUT]), rel=1e-5)
    assert same_curve(resumed, begun[CUT:])
    assert newest_sharded_state(folder / name / "one to many")[0] == STEPS
    assert not (folder / name / "one to many" / FILE_NAME).exists()


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_of_two_processes_is_gone_on_with_by_one(folder, name):
    place = folder / name / "many to one"
    assert newest_sharded_state(place)[0] == CUT
    resumed = [vars_of(event) for event in run(name, place)]
    begun = many(folder, f"{name} whole")
    assert figures(resumed[0]) == pytest.approx(figures(begun[CUT]), rel=1e-5)
    assert same_curve(resumed, begun[CUT:])
    assert not (place / FOLDER_NAME).exists()


def test_a_state_of_several_processes_knows_the_settings_that_made_it(folder):
    with pytest.raises(TrainingError, match="is the state of a run with seed 0, and this one has 1; choose another"):
        run("plain", folder / "plain" / "many", seed=1)


def test_the_averages_of_two_processes_are_those_of_one(folder):
    alone, shared = tiny_network(), tiny_network()
    load_average(folder / "everything" / "one", alone)
    load_average(folder / "everything" / "many", shared)
    for weight, twin in zip(alone.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(weight, twin, atol=2e-3, rtol=0.05)
