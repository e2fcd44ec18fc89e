import pytest


@pytest.mark.parametrize("command", ["latency", "throughput", "step", "frontier", "peers", "serve"])
def test_every_measurement_has_its_command(gesso_command, command):
    ran = gesso_command("bench", command, "--help")
    assert ran.status == 0
    assert "--output" in ran.out
    assert "Examples:" in ran.out


def test_without_a_command_the_help_names_all_of_them(gesso_command):
    ran = gesso_command("bench")
    for command in ("latency", "throughput", "step", "frontier", "peers", "serve"):
        assert command in ran.out + ran.err
