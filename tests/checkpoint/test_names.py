import pytest

from gesso.checkpoint.names import file_name, is_vision, list_few, parameter_name, repeated_name

PAIRS = [
    ("embed_tokens.weight", "model.decoder.embed_tokens.weight"),
    ("norm.weight", "model.decoder.norm.weight"),
    ("layers.12.self_attn.q_proj.weight", "model.decoder.layers.12.self_attn.q_proj.weight"),
    ("layers.3.router.per_expert_scale", "model.decoder.layers.3.router.per_expert_scale"),
    ("layers.3.experts.gate_up_proj", "model.decoder.layers.3.experts.gate_up_proj"),
    ("layers.3.encode_scalar", "model.encoder.language_model.layers.3.layer_scalar"),
    ("layers.3.denoise_scalar", "model.decoder.layers.3.layer_scalar"),
    ("self_conditioning.pre_norm.weight", "model.decoder.self_conditioning.pre_norm.weight"),
    ("self_conditioning.feed_forward.gate_proj.weight", "model.decoder.self_conditioning.gate_proj.weight"),
    ("self_conditioning.feed_forward.down_proj.weight", "model.decoder.self_conditioning.down_proj.weight"),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_table_reads_both_ways(ours, theirs):
    assert file_name(ours) == theirs
    assert parameter_name(theirs) == ours


def test_every_parameter_has_a_name_of_its_own_and_gets_it_back(network):
    ours = [name for name, _ in network.named_parameters()]
    theirs = [file_name(name) for name in ours]
    assert len(set(theirs)) == len(ours)
    assert [parameter_name(name) for name in theirs] == ours


@pytest.mark.parametrize(
    "name",
    [
        "lm_head.weight",
        "decoder.norm.weight",
        "model.encoder.language_model.norm.weight",
        "model.encoder.vision_tower.std_scale",
        "model.decoder.layers.0.denoise_scalar",
        "model.decoder.self_conditioning.feed_forward.gate_proj.weight",
    ],
)
def test_no_parameter_is_stored_under_another_name(name):
    assert parameter_name(name) is None


@pytest.mark.parametrize(
    ("repetition", "original"),
    [
        ("lm_head.weight", "model.decoder.embed_tokens.weight"),
        ("model.encoder.language_model.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
        ("model.encoder.language_model.norm.weight", "model.decoder.norm.weight"),
        ("model.encoder.language_model.layers.5.router.scale", "model.decoder.layers.5.router.scale"),
    ],
)
def test_tied_weights_repeat_the_decoder(repetition, original):
    assert repeated_name(repetition) == original


@pytest.mark.parametrize(
    "name",
    ["model.encoder.language_model.layers.5.layer_scalar", "model.decoder.norm.weight", "model.encoder.something"],
)
def test_what_is_not_tied_repeats_nothing(name):
    assert repeated_name(name) is None


def test_the_image_encoder_is_known_by_its_prefixes():
    assert is_vision("model.encoder.vision_tower.patch_embedder.input_proj.weight")
    assert is_vision("model.encoder.embed_vision.embedding_projection.weight")
    assert not is_vision("model.decoder.embed_tokens.weight")


def test_a_list_for_a_message_shows_three_names_and_counts_all():
    assert list_few(["b"]) == "1 tensor (b)"
    assert list_few(["c", "a", "b"]) == "3 tensors (a, b, c)"
    assert list_few("dcba") == "4 tensors (a, b, c, ...)"
