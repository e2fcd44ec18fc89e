from tests.server.conftest import chat


def test_tokens_and_text_are_two_forms_of_one_thing(client, lm):
    text = "Once upon a time, \N{GRINNING FACE}"
    tokens = client.post("/tokenize", json={"content": text}).json()
    assert tokens == {"tokens": lm.tokenizer.encode(text), "count": len(lm.tokenizer.encode(text))}
    assert client.post("/detokenize", json={"tokens": tokens["tokens"]}).json() == {"content": text}


def test_control_strings_are_text_unless_asked_for(client, lm):
    plain = client.post("/tokenize", json={"content": "<|turn>"}).json()["tokens"]
    special = client.post("/tokenize", json={"content": "<|turn>", "parse_special": True, "add_special": True}).json()
    assert len(plain) > 1
    assert special["tokens"] == [lm.tokenizer.bos_id, lm.tokenizer.token_id("<|turn>")]


def test_pieces_tell_each_tokens_text(client):
    pieces = client.post("/tokenize", json={"content": "Once upon", "with_pieces": True}).json()["tokens"]
    assert "".join(piece["piece"] for piece in pieces) == "Once upon"


def test_a_conversation_is_shown_as_the_model_reads_it(client):
    prompt = client.post("/apply-template", json=chat("Hello.")).json()["prompt"]
    assert "Hello." in prompt
    assert prompt.endswith("<|turn>model\n")
    thinking = chat("Hello.", chat_template_kwargs={"enable_thinking": True}, add_generation_prompt=False)
    assert "<|think|>" in client.post("/apply-template", json=thinking).json()["prompt"]


def test_ids_that_are_none_are_refused(client):
    answer = client.post("/detokenize", json={"tokens": [1, -1]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "tokens.1"
