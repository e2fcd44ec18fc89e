"""`gesso bench`: how fast things are."""

import typer

from gesso.cli.bench_frontier import frontier
from gesso.cli.bench_latency import latency
from gesso.cli.bench_peers import peers
from gesso.cli.bench_serve import serve
from gesso.cli.bench_step import step
from gesso.cli.bench_throughput import throughput

bench = typer.Typer(
    name="bench",
    help="Measure speed.",
    epilog="gesso bench COMMAND --help tells more, with examples.",
    no_args_is_help=True,
)


@bench.callback()
def _group() -> None:
    """Measure speed."""


for command in (latency, throughput, step, frontier, peers, serve):
    bench.command()(command)
