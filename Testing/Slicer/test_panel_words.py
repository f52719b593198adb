"""Messages of LaMoDCore in the panel name its controls; the panel has no command-line options."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTION = re.compile(r"(?<![\w-])--[a-z]")


def _messages() -> list[str]:
    """Every string of LaMoDCore that mentions an option, except of the command line and of copied commands."""
    found = []
    for path in sorted((ROOT / "LaMoDCore").rglob("*.py")):
        if "cli" in path.parts or path.name == "launch_commands.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and OPTION.search(node.value):
                found.append(node.value)
    return found


def test_no_message_of_the_library_shows_an_option_in_the_panel(host):
    from LaMoDSlicerLib.Widgets.PanelWords import inPanel

    messages = _messages()
    assert len(messages) > 50
    assert [text for text in messages if OPTION.search(inPanel(text))] == []


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("check the contours, or name the labels with --labels", "or name the labels with “Structures”"),
        ("give X,Y,Z in LPS mm, as --rv-insertion=12.5,-30,41", "in LPS mm, as “RV insertion”"),
        ("resume the run with `lamod train --resume`, or start a new run", "resume the run with “Resume”, or"),
        ("give the R–R interval with --rr MS", "with “R–R interval”"),
        ("use --device cpu or auto", "use “Device” cpu or auto"),
        ("or name the views, as in --long-axis-views 4ch,2ch.", "the views, as in the column “Level”."),
        ("give --spacing 1.25,1.5, or --rr 800.", "the option “spacing” of the lamod command, or “R–R interval”."),
        ("choose a series (--series)", "(the option “series” of the lamod command)"),
        ("`lamod check FILE --cine CINE --out DIR` draws them as masks", "the command “lamod check” draws them"),
        ("heart 1 -- a remark – stays", "heart 1 -- a remark – stays"),
    ],
)
def test_options_become_controls(host, message, shown):
    from LaMoDSlicerLib.Inputs.InputError import InputError

    assert shown in str(InputError(message))


def test_the_named_controls_exist(host):
    from LaMoDSlicerLib.Widgets import PanelWords

    texts = {
        text.text.rstrip(":")
        for path in (ROOT / "LaMoDSlicer" / "Resources" / "UI").glob("*.ui")
        for text in ElementTree.parse(path).getroot().iter("string")
        if text.text
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "LaMoDSlicer").rglob("*.py"))
    titles = set(re.findall(r'_\("([^"]+)"\)', code))
    names = [re.search("“(.*)”", name).group(1) for name in PanelWords._controls().values()]
    assert [name for name in names if name not in texts | titles] == []
