"""`gesso bench frontier`: speed against quality."""

from typing import Annotated

from gesso.cli import options
from gesso.cli.bench_options import MODES, Model, Output, Picture, Quiet, measured, modes_of
from gesso.cli.bench_report import check_places, leave_report
from gesso.cli.measuring import follow_measurement, numbers_of

COLUMNS = {
    "way": "way",
    "ok": "faultless",
    "consistent": "consistent",
    "complete": "complete",
    "sentences": "sentences",
    "seconds": "seconds",
    "passes": "passes",
    "tokens_per_second": "tokens/s",
}


def frontier(
    model: Model = "bundled",
    modes: Annotated[str, measured("--modes", "Ways of writing, with commas between.")] = MODES,
    steps: Annotated[
        str, measured("--steps", "Most denoising steps of a canvas, with commas between; each for each mode.")
    ] = "8,16,48",
    best_of: Annotated[
        str, measured("--best-of", "Draft so many texts and take the likeliest; numbers with commas between.")
    ] = "1",
    items: Annotated[int, measured("--items", "Stories that are asked for.")] = 32,
    phrasings: Annotated[
        int | None, measured("--phrasings", "Ways of telling each beat of a plot in stories; all by default.")
    ] = None,
    seed: options.Seed = 0,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    compile: options.Compile = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    output: Output = None,
    picture: Picture = None,
    quiet: Quiet = False,
) -> None:
    """Measure speed against quality: the same stories in every mode, by several numbers of steps, one at a time.

    The checker of the story world judges them. What a story costs is told in seconds and in passes of the network:
    denoising steps, readings, and a commit for each canvas; from left to right, tokens.

    Examples:
        gesso bench frontier --items 16
        gesso bench frontier --phrasings 1 --steps 8,16,48,96 --best-of 1,2 -o frontier.json --picture frontier.svg
        gesso bench frontier path/to/model --modes verified,autoregressive
    """
    check_places(output, picture)
    asked_modes, asked_steps = modes_of(modes), numbers_of(steps, "--steps")

    # Only now, so that help and refusals need not wait for torch.
    from gesso.bench.frontier import QUALITIES, all_ways, as_reports, measure_frontier
    from gesso.cli.bench_model import facts_of, load_measured
    from gesso.evals.frontier_plot import plot_frontiers
    from gesso.worlds.stories import World

    ways = all_ways(asked_modes, asked_steps, numbers_of(best_of, "--best-of"))
    world = World(phrasings=phrasings)
    words = {"dtype": dtype, "quantize": quantize, "device": device, "revision": revision, "offline": offline}
    lm = load_measured(model, quiet=quiet, compile=compile, **words)
    first_seed = 0 if seed is None else seed
    measurement = measure_frontier(lm, ways, items=items, seed=first_seed, world=world)
    rows = follow_measurement(measurement, "frontier", quiet=quiet)
    settings = {
        "model": model,
        "items": items,
        "seed": first_seed,
        "phrasings": phrasings,
        **facts_of(lm),
        "quantize": quantize,
        "compile": compile,
    }
    leave_report(rows, COLUMNS, settings=settings, output=output, quiet=quiet, caption="means and standard errors")
    if picture is not None:
        plot_frontiers(as_reports(ways, rows), QUALITIES, picture, over="seconds", label="seconds a story")
