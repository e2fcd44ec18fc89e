from dataclasses import replace

import gesso
from gesso.engine.engine import EngineSettings
from tests.server.conftest import chat


def test_a_server_that_can_write_is_healthy_and_ready(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready", "running": 0, "waiting": 0}


def test_a_server_whose_thread_has_ended_is_neither_and_says_so(client_of, lm):
    client = client_of(lm)
    client.app.state.service.writer.close()
    assert client.get("/health").status_code == 503
    assert client.get("/ready").status_code == 503
    answer = client.post("/v1/chat/completions", json=chat())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_the_version_and_the_model_are_told(client, lm):
    assert client.get("/version").json() == {"version": gesso.__version__}
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "model"
    assert model["canvas_length"] == lm.network.config.canvas_length
    assert model["about"] == {"description": "", "examples": [], "single_turn": False}
    assert client.get("/v1/models/model").json() == model
    assert client.get("/v1/models/other").status_code == 404


def test_a_model_goes_by_the_name_that_it_is_served_as(client_of, lm):
    client = client_of(lm, served_name="org/fox")
    assert client.get("/v1/models/org/fox").json()["id"] == "org/fox"
    assert client.post("/v1/chat/completions", json=chat(model="org/fox", max_tokens=1)).json()["model"] == "org/fox"


def test_metrics_count_what_was_done(client_of, lm):
    client = client_of(lm)
    usage = client.post("/v1/chat/completions", json=chat(max_tokens=20)).json()["usage"]
    client.post("/v1/chat/completions", json={})
    lines = client.get("/metrics").text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(figures["gesso_completion_tokens_total"]) == usage["completion_tokens"]
    assert float(figures["gesso_prompt_tokens_total"]) == usage["prompt_tokens"]
    steps = usage["diffusion"]["steps"][0]
    assert float(figures["gesso_denoising_steps_per_canvas_sum"]) == sum(steps)
    assert float(figures["gesso_denoising_steps_per_canvas_count"]) == len(steps)
    assert float(figures["gesso_tokens_per_forward_count"]) == 1
    assert float(figures["gesso_queue_seconds_count"]) == 1
    assert float(figures["gesso_first_commit_seconds_count"]) == 1
    assert float(figures["gesso_texts_left_off_total"]) == 0
    path = 'method="POST",path="/v1/chat/completions"'
    assert float(figures[f'gesso_http_requests_total{{{path},status="200"}}']) == 1
    assert float(figures[f'gesso_http_requests_total{{{path},status="400"}}']) == 1
    assert float(figures["gesso_texts_running"]) == 0


def test_prompts_that_begin_alike_hit_the_prefix_cache_and_the_metrics_say_so(client_of, lm):
    client = client_of(replace(lm, engine_settings=EngineSettings(page_length=16)))

    def counted():
        lines = client.get("/metrics").text.splitlines()
        return [
            float(next(line for line in lines if line.startswith(f"gesso_prefix_cache_{name}_total ")).split()[1])
            for name in ("queries", "hits")
        ]

    assert counted() == [0, 0]
    tokens = [
        client.post("/v1/chat/completions", json=chat("A long question. " * 5, max_tokens=1)).json()["usage"][
            "prompt_tokens"
        ]
        for _ in range(2)
    ]
    assert counted() == [sum(tokens), tokens[0] // 16 * 16]
