"""`python -m gesso` is the `gesso` command."""

from gesso.cli.main import run

if __name__ == "__main__":
    run()
