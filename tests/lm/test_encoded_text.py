import torch

from gesso.engine.left_to_right import surprise
from gesso.lm.encoded_text import EncodedText
from tests.tiny_model import tiny_network

BEGINNING, MORE = [2, 7, 9, 40], [11, 50, 3]
CONTINUATIONS = [[60, 61, 62, 63, 64], [70], [80, 81, 82]]


def test_surprises_of_many_continuations_are_those_of_each_read_alone():
    network = tiny_network()
    text = EncodedText(network, BEGINNING)
    text.extend(MORE)
    text.extend([])
    assert text.token_ids == BEGINNING + MORE
    for _ in range(2):  # reading leaves the text as it was
        for found, continuation in zip(text.surprises(CONTINUATIONS), CONTINUATIONS, strict=True):
            expected = surprise(network, BEGINNING + MORE, continuation)
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_canvases_behind_it_see_what_they_see_behind_a_text_that_is_encoded_whole():
    network = tiny_network()
    text = EncodedText(network, BEGINNING)
    text.extend(MORE)
    canvas = torch.arange(100, 132).view(2, 16)
    cache = network.new_cache(batch=2, max_len=len(BEGINNING + MORE))
    network.encode(torch.tensor([BEGINNING + MORE] * 2), cache)
    torch.testing.assert_close(
        network.denoise(canvas, text.caches(2)), network.denoise(canvas, cache), atol=1e-4, rtol=1e-4
    )


def test_nothing_is_encoded_twice(monkeypatch):
    network = tiny_network()
    encode, seen = network.encode, []
    monkeypatch.setattr(network, "encode", lambda ids, cache: (seen.append(ids.tolist()), encode(ids, cache))[1])
    text = EncodedText(network, BEGINNING)
    text.extend(MORE)
    text.surprises([[60, 61]])
    assert seen == [[BEGINNING], [MORE], [[60, 61]]]
