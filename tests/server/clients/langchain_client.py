"""What langchain-openai makes of the server: whole, streamed, a tool that is bound, refused."""

import json
import sys

import openai
from langchain_openai import ChatOpenAI, OpenAI

ADDRESS, MODEL = sys.argv[1:]
PROMPT = "Write a story about a fox."
SETTINGS = {"model": MODEL, "base_url": f"{ADDRESS}/v1", "api_key": "none", "seed": 1, "max_tokens": 48}


def weather(city: str) -> str:
    """Tell the weather."""
    return city


chat = ChatOpenAI(**SETTINGS, extra_body={"diffusion": {"steps": 6}}, stream_usage=True)
whole = chat.invoke([("system", "Be brief."), ("user", PROMPT)])
pieces = list(chat.stream([("system", "Be brief."), ("user", PROMPT)]))
with_tool = chat.bind_tools([weather]).invoke(PROMPT)
completed = OpenAI(**SETTINGS, extra_body={"diffusion": {"steps": 6}}).invoke("Once upon a time")
try:
    ChatOpenAI(**SETTINGS, temperature=-1.0, max_retries=0).invoke(PROMPT)
    refused = None
except openai.BadRequestError as error:
    refused = str(error)
print(
    json.dumps(
        {
            "whole": whole.content,
            "streamed": "".join(piece.content for piece in pieces),
            "tokens": whole.usage_metadata["output_tokens"],
            "with a tool": with_tool.content,
            "completed": completed,
            "refused": refused,
        }
    )
)
