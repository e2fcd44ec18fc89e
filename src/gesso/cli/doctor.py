"""`gesso doctor`: whether this installation works, and what to do where it does not."""

import typer

from gesso.cli import options
from gesso.cli.output import write_line


def doctor(model: options.Model = "bundled", device: options.Device = "auto") -> None:
    """Check that everything is there and works: versions, processor, model, one canvas.

    Each check is a line: ok, warn or fail, with a remedy. The exit status is 1 if one fails.

    Examples:
        gesso doctor
        gesso doctor --model path/to/model
    """
    from gesso.cli.checkup import Status, run_checks

    failed = False
    for result in run_checks(model, device):
        remedy = f"; {result.remedy}" if result.remedy else ""
        write_line(f"{result.status:<5} {result.name:<10} {result.finding}{remedy}")
        failed = failed or result.status is Status.FAIL
    if failed:
        raise typer.Exit(1)
