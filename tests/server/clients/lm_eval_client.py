"""What lm-eval's models for servers make of ours: local-completions and local-chat-completions, generating."""

import json
import sys

from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

ADDRESS, MODEL = sys.argv[1:]
SETTINGS = {
    "model": MODEL,
    "tokenizer_backend": None,
    "tokenized_requests": False,
    "num_concurrent": 2,
    "max_retries": 1,
}


def answers(model, prompt) -> list[str]:
    until = {"until": ["THE END"], "max_gen_toks": 48, "temperature": 0.0}
    asked = [
        Instance(request_type="generate_until", doc={}, arguments=(prompt, dict(until)), idx=number)
        for number in range(2)
    ]
    return model.generate_until(asked, disable_tqdm=True)


completions = LocalCompletionsAPI(base_url=f"{ADDRESS}/v1/completions", **SETTINGS)
chat = LocalChatCompletion(base_url=f"{ADDRESS}/v1/chat/completions", **SETTINGS)
turn = chat.apply_chat_template([{"role": "user", "content": "Write a story about a fox."}])
print(json.dumps({"completions": answers(completions, "Once upon a time"), "chat": answers(chat, turn)}))
