"""How well the bundled model writes, judged by the checker of its world: `gesso eval` with the tasks of its card.

    python benchmarks/story_quality.py --items 200 --output benchmarks/results/story_quality.json

The words that follow are those of `gesso eval`. Every request is of the held-out world: names, things and plots that
training never saw together.
"""

import sys

from gesso.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["eval", "--tasks", "stories,continuations,infill", *sys.argv[1:]]))
