"""Events as the training loop makes them."""

from gesso.train.events import StepDone


def event(step, **changes):
    values = {
        "step": step,
        "total": 3.0,
        "encode": 1.0,
        "denoise": 2.0,
        "denoise_by_level": (0.5, 1.0, 2.0, 4.0),
        "gradient_norm": 0.5,
        "seconds": 0.1,
        "canvas_tokens": 256,
        "learning_rate": 0.01,
    }
    return StepDone(**(values | changes))
