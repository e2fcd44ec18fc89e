import pytest

from gesso.cli.bench_options import modes_of
from gesso.errors import SettingError


def test_modes_are_named_with_commas_between():
    assert modes_of("verified, diffusion") == ("verified", "diffusion")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "give at least one of"),
        ("diffusion,diffusion", "each once"),
        ("magic", "mode is 'magic'; choose diffusion"),
    ],
)
def test_modes_that_cannot_be_are_refused(text, said):
    with pytest.raises(SettingError, match=said):
        modes_of(text)
