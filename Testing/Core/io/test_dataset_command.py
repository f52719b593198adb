"""`lamod dataset` and its aliases."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from annuli_dataset import write_annuli

from LaMoDCore.cli import COMMANDS, main
from LaMoDCore.cli.program import ALIASES


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_annuli(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(("alias", "command"), ALIASES.items())
def test_an_alias_is_the_command(
    alias: str, command: tuple[str, str], dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "validate": [str(dataset), "--progress", "none"],
        "split": [str(dataset), "--preview", "--seed", "2"],
        "collect": [str(dataset), "--into", str(tmp_path / "all")],
    }[command[1]]
    code = main([*command, *options])
    expected = capsys.readouterr()
    shutil.rmtree(tmp_path / "all", ignore_errors=True)
    assert main([alias, *options]) == code
    assert capsys.readouterr() == expected


def test_help_lists_aliases_apart_from_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    commands, aliases = capsys.readouterr().out.split("aliases:")
    for alias, command in ALIASES.items():
        assert alias not in COMMANDS
        assert alias not in commands
        assert f"{alias:<17} {' '.join(command)}" in aliases


def test_the_action_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset"]) == 2
    assert "{validate,split,collect}" in capsys.readouterr().err
