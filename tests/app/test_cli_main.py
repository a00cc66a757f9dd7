import subprocess
import sys

import click
import pytest

from app.cli import COMMANDS, cli
from app.main import main
from protocol.errors import GlimpseError


@click.group(name="glimpse")
def broken():
    """Commands that go wrong, each in its own way."""


@broken.command()
def user():
    raise GlimpseError("take.aedat4: it is empty; choose another file.")


@broken.command()
def defect():
    raise ZeroDivisionError("three by nothing")


@broken.command()
def interrupted():
    raise KeyboardInterrupt


@broken.command()
def half():
    return 1


def glimpse(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "app.main", *arguments], capture_output=True, text=True, timeout=60, **options)


def test_without_a_command_and_without_a_display_the_way_without_a_window_is_said(capsys, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no display" in said.err
    assert "glimpse record" in said.err


def test_the_help_lists_every_command_without_importing_one():
    code = (
        "import sys; from app.main import main; main(['--help']);"
        "print([name for name in sys.modules if name.startswith('app.commands')], 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.rstrip().endswith("[] False")
    assert all(entry.name in done.stdout for entry in COMMANDS)


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_has_a_help_with_an_example(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"glimpse {name}" in capsys.readouterr().out.split("Example", 1)[1]


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_is_found_under_its_name(name):
    assert cli.get_command(click.Context(cli), name).name == name


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("glimpse ")


@pytest.mark.parametrize("arguments", [["nosuch"], ["inspect", "--nosuch"], ["inspect"], ["stats", "/nowhere/at/all"]])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().out == ""


def test_a_problem_of_the_input_is_one_sentence_on_stderr(capsys):
    assert main(["user"], broken) == 2
    assert capsys.readouterr() == ("", "take.aedat4: it is empty; choose another file.\n")


def test_a_command_that_failed_in_part_sets_the_exit_code(capsys):
    assert main(["half"], broken) == 1


def test_an_interrupt_is_one_word(capsys):
    assert main(["interrupted"], broken) == 3
    assert capsys.readouterr() == ("", "Interrupted.\n")


def test_a_defect_is_one_line_and_its_traceback_is_kept_in_a_file(capsys, tmp_path):
    assert main(["defect"], broken, log_folder=tmp_path / "log") == 1
    told = capsys.readouterr().err
    (log,) = (tmp_path / "log").iterdir()
    assert told.count("\n") == 1
    assert str(log) in told
    assert "ZeroDivisionError: three by nothing" in log.read_text()


def test_a_defect_that_cannot_be_logged_is_told_in_full(capsys, tmp_path):
    (tmp_path / "log").write_text("a file where the folder should be")
    assert main(["defect"], broken, log_folder=tmp_path / "log") == 1
    assert "Traceback" in capsys.readouterr().err


def test_the_real_command_ends_with_its_exit_code():
    assert glimpse("--version").returncode == 0
    assert glimpse("nosuch").returncode == 2


def test_a_reader_that_goes_away_is_no_error():
    process = subprocess.Popen([sys.executable, "-m", "app.main", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (0, b"")
    process.stderr.close()
