"""What `llm` makes of the server, which it knows from extra-openai-models.yaml in its folder."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ADDRESS, MODEL = sys.argv[1:]


def ask(*words: str) -> str:
    command = [sys.executable, "-I", "-m", "llm", "prompt", "-o", "seed", "1", "-o", "max_tokens", "48", *words]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return ran.stdout.strip() or ran.stderr.strip()


with tempfile.TemporaryDirectory() as folder:
    known = "".join(
        f"- model_id: {name}\n  model_name: {served}\n  api_base: {ADDRESS}/v1\n"
        for name, served in (("gesso", MODEL), ("stranger", "no-such-model"))
    )
    Path(folder, "extra-openai-models.yaml").write_text(known)
    os.environ["LLM_USER_PATH"] = folder
    prompt = "Write a story about a fox."
    print(
        json.dumps(
            {
                "whole": ask("-m", "gesso", "--no-stream", prompt),
                "streamed": ask("-m", "gesso", prompt),
                "refused": ask("-m", "stranger", prompt),
            }
        )
    )
