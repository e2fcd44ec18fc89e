"""What litellm makes of the server: whole, streamed, with a tool, refused."""

import json
import sys

import litellm

ADDRESS, MODEL = sys.argv[1:]
TURN = [{"role": "user", "content": "Write a story about a fox."}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
SETTINGS = {
    "model": f"openai/{MODEL}",
    "api_base": f"{ADDRESS}/v1",
    "api_key": "none",
    "messages": TURN,
    "max_tokens": 48,
}

whole = litellm.completion(**SETTINGS, seed=1, extra_body={"diffusion": {"steps": 6}})
chunks = list(litellm.completion(**SETTINGS, seed=1, stream=True, extra_body={"diffusion": {"steps": 6}}))
drafts = {"stream_drafts": True, "draft_interval": 0, "steps": 6}
with_drafts = list(litellm.completion(**SETTINGS, seed=1, stream=True, extra_body={"diffusion": drafts}))
with_tool = litellm.completion(
    **SETTINGS, seed=1, tools=[TOOL], tool_choice="auto", extra_body={"diffusion": {"steps": 6}}
)
try:
    litellm.completion(**SETTINGS, temperature=-1.0)
    refused = None
except litellm.BadRequestError as error:
    refused = str(error)


def text(pieces):
    return "".join(piece.choices[0].delta.content or "" for piece in pieces)


print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "streamed": text(chunks),
            "with drafts": text(with_drafts),
            "tokens": whole.usage.completion_tokens,
            "with a tool": with_tool.choices[0].message.content,
            "refused": refused,
        }
    )
)
