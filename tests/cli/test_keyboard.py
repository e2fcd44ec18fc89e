import os
import pty
import termios

from gesso.cli import keyboard


def local_flags(terminal: int) -> int:
    return termios.tcgetattr(terminal)[3]


def test_while_it_is_muted_keys_are_not_shown_and_ctrl_c_discards_nothing(monkeypatch):
    master, slave = pty.openpty()
    with open(slave) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr(keyboard, "_is_ours", lambda: True)
        before = local_flags(slave)
        unmute = keyboard.mute_keyboard()
        assert local_flags(slave) == (before & ~termios.ECHO) | termios.NOFLSH
        unmute()
        assert local_flags(slave) == before
    os.close(master)


def test_what_is_no_terminal_of_ours_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / "turns").write_text("Hi")
    master, slave = pty.openpty()  # a terminal, but not the one that this process belongs to
    with open(tmp_path / "turns") as file, open(slave) as foreign:
        before = local_flags(slave)
        for stdin in (file, foreign):
            monkeypatch.setattr("sys.stdin", stdin)
            keyboard.mute_keyboard()()
        assert local_flags(slave) == before
    os.close(master)
