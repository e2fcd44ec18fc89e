import pytest
import torch

from gesso.diffusion.levels import UniformLevels
from gesso.diffusion.losses import GiddWeighted, NoisedOnlyCrossEntropy
from gesso.errors import SettingError
from gesso.train.settings import MAY_CHANGE
from gesso.train.unroll import Unroll
from tests.train.test_loop import settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"total_steps": 0}, "total_steps is 0; give 1 or more"),
        ({"accumulation": 0}, "accumulation is 0"),
        ({"save_every": 0}, "save_every is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0; give a number above 0"),
        ({"clip_norm": float("nan")}, "clip_norm is nan"),
        ({"z_loss": -1e-5}, "z_loss is -1e-05; give 0 or more"),
        ({"self_conditioning": 1.5}, "self_conditioning is 1.5; give a share"),
        ({"ema": 1.0}, "ema is 1; give a decay"),
        ({"unroll": Unroll(share=0.5), "left_to_right": True}, "model without canvases cannot be unrolled"),
        ({"unroll": Unroll(share=0.5), "objective": GiddWeighted()}, "objective is GiddWeighted.*reads noise levels"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_the_remedy(changes, message):
    with pytest.raises(SettingError, match=message):
        settings(3, **changes)


def test_an_unroll_fits_objectives_that_read_no_level():
    assert settings(3, unroll=Unroll(share=0.5), objective=NoisedOnlyCrossEntropy()).unroll is not None


def test_what_must_not_change_is_all_but_length_rate_and_computation():
    one = settings(3)
    assert settings(9, compile=True, compute_dtype=torch.bfloat16).that_must_not_change() == one.that_must_not_change()
    assert settings(3, levels=UniformLevels(low=0.5)).that_must_not_change() != one.that_must_not_change()
    assert set(one.__dataclass_fields__) == MAY_CHANGE | set(one.that_must_not_change())


def test_where_an_object_lies_in_memory_is_no_difference():
    class Half:
        def draw(self, batch, canvas, generator):
            return torch.full((batch, canvas), 0.5)

    assert settings(3, levels=Half()).that_must_not_change() == settings(3, levels=Half()).that_must_not_change()
