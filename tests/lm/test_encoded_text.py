import torch

from gesso.engine.left_to_right import surprise
from gesso.lm.encoded_text import EncodedText
from gesso.sampling.verification import Verification
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


def likeliest(network, ids):
    """The token that the causal mode finds likeliest behind these, encoded anew."""
    hidden = network.encode(torch.tensor([ids]), network.new_cache(batch=1, max_len=len(ids)))
    return int(network.head(hidden)[0, -1].argmax())


def test_tokens_hold_up_to_the_first_that_left_to_right_would_not_have_chosen():
    network, strict = tiny_network(), Verification(min_share=1.0)
    text, right = EncodedText(network, BEGINNING), []
    for _ in range(4):
        right.append(likeliest(network, BEGINNING + right))
    wrong = [*right[:2], (right[2] + 1) % network.config.vocab_size, right[3]]
    assert text.num_holding([right, wrong, right[:1], [right[0] + 1]], strict) == [4, 2, 1, 0]
    assert text.num_holding([wrong], Verification(min_share=1e-30)) == [4]


def test_the_tokens_that_are_drawn_behind_it_hold():
    network, lenient = tiny_network(), Verification(min_share=0.5)
    text, generator = EncodedText(network, BEGINNING), torch.Generator().manual_seed(0)
    for continuation in ([], MORE):
        drawn = text.next_tokens(continuation, 50, lenient, [], generator)
        assert len(drawn) == 50
        assert len(set(drawn)) > 1
        held = text.num_holding([[*continuation, token] for token in drawn], Verification(min_share=1e-30))
        assert held == [len(continuation) + 1] * 50
        behind = EncodedText(network, BEGINNING + continuation)
        assert behind.num_holding([[token] for token in drawn], lenient) == [1] * 50
    best = likeliest(network, BEGINNING + MORE)
    assert set(text.next_tokens(MORE, 9, Verification(min_share=1.0), [], generator)) == {best}
    assert best not in text.next_tokens(MORE, 50, lenient, [best], generator)


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
