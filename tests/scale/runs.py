"""Short runs of the tiny network, by one process or by several, and a way to start several."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import torch

from gesso.diffusion.levels import UniformLevels
from gesso.diffusion.losses import NoisedOnlyCrossEntropy
from gesso.scale.processes import join_processes
from gesso.train.events import StepDone
from gesso.train.loop import train
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.settings import TrainSettings
from gesso.train.unroll import Unroll
from gesso.train.worker import LoneWorker, MakeWorker
from tests.train.conftest import counting_batch, tiny_network, whole_counting_batch

ROOT = Path(__file__).resolve().parents[2]
STEPS, CUT = 4, 2
PLAIN = {}
EVERYTHING = {
    # Where counts differ from part to part, where a part may have no canvas of a kind, and where rounding differs.
    "objective": NoisedOnlyCrossEntropy(),
    "z_loss": 1e-2,
    "unroll": Unroll(share=0.15, steps=2),
    "self_conditioning": 0.15,
    "accumulation": 2,
    "ema": 0.9,
    "activation_checkpointing": True,
}
RESUMED = {"plain": PLAIN, "everything": EVERYTHING}
FEATURES = RESUMED | {"left to right": {"left_to_right": True}, "bfloat16": {"compute_dtype": torch.bfloat16}}


def settings(**changes: object) -> TrainSettings:
    values = {
        "total_steps": STEPS,
        "schedule": WarmupStableDecay(warmup_steps=2, total_steps=100, decay_steps=0),
        "learning_rate": 1e-2,
        "levels": UniformLevels(),
        "compute_dtype": torch.float32,
        "save_every": CUT,
    }
    return TrainSettings(**(values | changes))


def run(
    name: str, folder: Path, *, steps: int = STEPS, make_worker: MakeWorker = LoneWorker, **changes: object
) -> list[StepDone]:
    """Train the tiny network with the features of that name, until the run's end or as many steps as are wanted."""
    values = settings(**FEATURES[name] | changes)
    source = whole_counting_batch if values.left_to_right else counting_batch
    events = train(tiny_network(), source, values, folder, make_worker=make_worker)
    return list(islice(events, steps))


def start_processes(count: int, *words: object) -> list[subprocess.Popen[str]]:
    """Start `python WORDS` in several processes, with the environment that torchrun would give them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    return [
        subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=ROOT,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for processes, all of which must do their work; returns what each said on standard error."""
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(said)
    return said


def main(folder: Path) -> None:
    """What the several processes do: whole runs, runs that are cut off, and runs that one process has begun."""
    with join_processes() as processes:
        told = {}
        worker = processes.make_worker
        for name in FEATURES:
            told[f"{name} whole"] = run(name, folder / name / "many", make_worker=worker)
        for name in RESUMED:
            for cut in ("many to one", "many to many"):
                run(name, folder / name / cut, steps=CUT, make_worker=worker)
            told[f"{name} many to many"] = run(name, folder / name / "many to many", make_worker=worker)
            told[f"{name} one to many"] = run(name, folder / name / "one to many", make_worker=worker)
        if processes.is_first:
            events = {name: [dataclasses.asdict(event) for event in events] for name, events in told.items()}
            (folder / "events.json").write_text(json.dumps(events))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
