"""Clients whose dependencies contradict ours, over a real socket: each in a process of its own, told only the address.

`make clients` installs them and runs these. The environment variable GESSO_CLIENTS names the folder that they are in: a
virtual environment, with node_modules in it. Where it is set, a client that is not there fails; else it is passed over.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server.test_clients import STORY

CLIENTS = Path(os.environ.get("GESSO_CLIENTS", ".clients")).resolve()
PROGRAMS = Path(__file__).parent / "clients"
NODE = shutil.which("node")

pytestmark = pytest.mark.clients


@pytest.fixture
def story(live, writer):
    """The address of a server that tells a story."""
    return live(writer(STORY, "<turn|>"))


def missing(package):
    """Fail where the client has to be there, else skip."""
    stop = pytest.fail if "GESSO_CLIENTS" in os.environ else pytest.skip
    stop(f"{package} is not installed in {CLIENTS}; run make clients")


def run_python(package, program, *words):
    """What a program of a Python client says, as JSON."""
    if not list(CLIENTS.glob(f"lib/python*/site-packages/{package}")):
        missing(package)
    return _run([CLIENTS / "bin" / "python", "-I", PROGRAMS / program, *words], PROGRAMS)


def run_node(package, program, folder, *words):
    """What a program of a client for Node says; it finds its packages beside itself, so it is copied."""
    if NODE is None or not (CLIENTS / "node_modules" / package).is_dir():
        missing("node" if NODE is None else package)
    shutil.copy(PROGRAMS / program, folder)
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    return _run([NODE, folder / program, *words], folder)


def _run(command, folder):
    ran = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_litellm(story):
    said = run_python("litellm", "litellm_client.py", story, "model")
    assert {said[how] for how in ("whole", "streamed", "with drafts", "with a tool")} == {STORY}
    assert said["tokens"] > 0
    assert "temperature" in said["refused"]


def test_langchain_openai(story):
    said = run_python("langchain_openai", "langchain_client.py", story, "model")
    assert {said[how] for how in ("whole", "streamed", "with a tool", "completed")} == {STORY}
    assert said["tokens"] > 0
    assert "temperature" in said["refused"]


def test_llm(story):
    said = run_python("llm", "llm_client.py", story, "model")
    assert said["whole"] == said["streamed"] == STORY
    assert "no-such-model" in said["refused"]


def test_lm_eval(story):
    said = run_python("lm_eval", "lm_eval_client.py", story, "model")
    assert said == {"completions": [STORY] * 2, "chat": [STORY] * 2}


def test_openai_for_node(story, tmp_path):
    said = run_node("openai", "openai_client.mjs", tmp_path, story, "model")
    assert {said[how] for how in ("whole", "streamed", "with drafts", "helped", "responded")} == {STORY}
    assert said["drafts"] > 0
    assert said["tokens"] > 0
    assert said["refused"] == "temperature"


def test_the_ai_sdk(story, tmp_path):
    said = run_node("@ai-sdk/openai-compatible", "ai_sdk_client.mjs", tmp_path, story, "model")
    assert {said[how] for how in ("whole", "streamed", "with a tool")} == {STORY}
    assert said["tokens"] == said["streamed tokens"] > 0
    assert said["finish reason"] == "stop"
    assert said["called"] == []
    assert "temperature" in said["refused"]


def test_no_input_that_schemathesis_thinks_of_is_a_server_error(live, lm):
    run = CLIENTS / "bin" / "schemathesis"
    if not run.is_file():
        missing("schemathesis")
    words = "--checks not_a_server_error --phases coverage,fuzzing --max-examples 25 --max-time 120 --seed 1"
    quiet = "--suppress-health-check all --warnings off --no-color --continue-on-failure"
    address = f"{live(lm)}/openapi.json"
    ran = subprocess.run(
        [str(run), "run", address, *words.split(), *quiet.split()], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
