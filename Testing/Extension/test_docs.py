"""The documentation matches the program: links, commands, options, panel sections, quoted messages, generated pages."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from LaMoDCore.cli.program import ALIASES, COMMANDS
from LaMoDCore.heart.notes import CODES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOPS = ("docs", "experiments", "Resources")
PAGES = sorted([*ROOT.glob("*.md"), *(page for top in TOPS for page in (ROOT / top).rglob("*.md"))])
#: First header cell of the tables that explain messages.
MESSAGE_HEADER = "message"


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_are_valid(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(linked), f"{target}: no such heading"


def test_every_picture_is_used_and_small():
    """`make screenshots` writes them."""
    from Testing.SlicerHost.small_pictures import MOST_BYTES

    pictures = ROOT / "Resources" / "Screenshots"
    files = [*PAGES, ROOT / "CMakeLists.txt"]
    used = {
        name for file in files for name in re.findall(r"Screenshots/([\w-]+\.png)", file.read_text(encoding="utf-8"))
    }
    assert {path.name for path in pictures.iterdir()} == used
    assert [path.name for path in pictures.iterdir() if path.stat().st_size > MOST_BYTES] == []


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        found = re.findall(r"\]\(([^)\s#:]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in found]
    assert sorted(map(page_name, set(DOCS.rglob("*.md")) - reached)) == []


def test_docs_hold_only_the_four_kinds_of_page():
    kinds = {"get-started", "how-to", "concepts", "reference", "examples"}
    assert {path.name for path in DOCS.iterdir() if path.is_dir() and path.name != "__pycache__"} == kinds
    assert {path.name for path in DOCS.iterdir() if path.is_file()} == {"index.md", "generate_reference.py"}


@cache
def options_of(verb: str) -> set[str]:
    """Options of a command and of its subcommands."""
    parser = argparse.ArgumentParser()
    import_module(f"LaMoDCore.cli.{COMMANDS[verb]}").add_arguments(parser)
    return set(_options(parser))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from parser._option_string_actions
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from _options(subparser)


def test_every_command_is_in_the_reference():
    headings = anchors(DOCS / "reference" / "commands.md")
    assert [verb for verb in COMMANDS if f"lamod-{verb}" not in headings] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_options_in_examples_exist(page: Path):
    for command in re.findall(r"(?:^|`|/)lamod ([a-z][^`#\n]*)", page.read_text(encoding="utf-8"), re.MULTILINE):
        verb, _, rest = command.replace("…", " ").partition(" ")
        assert verb in COMMANDS or verb in ALIASES, f"lamod {command}"
        named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest))
        assert not named or not named - options_of(verb), f"lamod {command}"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_named_files_exist(page: Path):
    """Paths from the top of the repository, and modules that `python -m` runs."""
    text = page.read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:LaMoDCore|LaMoDSlicer|Testing|experiments|docs|Resources)/[\w./-]*)`", text))
    paths |= {f"{name.replace('.', '/')}.py" for name in re.findall(r"python -m (experiments(?:\.\w+)+)", text)}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_architecture_lists_the_layers_from_lowest_to_highest():
    page = (DOCS / "concepts" / "architecture.md").read_text(encoding="utf-8")
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (layers,) = re.findall(r'^type = "layers"\n.*?^layers = \[\n(.*?)^\]', config, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == re.findall(r'"(\w+)"', layers)[::-1]


#: Labels in the tutorials that belong to Slicer itself.
SLICER_LABELS = {"Sample Data", "Cardiac", "Create new MarkupsFiducial", "PyTorch", "LaMoD", "Erase", "Paint"}


@pytest.mark.parametrize("name", ["cardiologist", "annotator", "researcher"])
def test_labels_in_the_tutorials_exist(name: str):
    """Words in italics, and words in bold that are to be clicked, are texts of the panel."""
    text = " ".join((DOCS / "get-started" / f"{name}.md").read_text(encoding="utf-8").split())
    labels = re.findall(r"(?<![*\w])\*([^*]+)\*(?!\*)", text)
    labels += re.findall(r"\b(?:[Cc]lick|[Pp]ress|or) \*\*([^*]+)\*\*", text)
    assert sorted(set(labels) - SLICER_LABELS - panel_texts()) == []


@cache
def panel_texts() -> set[str]:
    """Texts of the user interface, without the colon at the end."""
    files = (ROOT / "LaMoDSlicer" / "Resources" / "UI").glob("*.ui")
    texts = {string.text or "" for file in files for string in ElementTree.parse(file).iter("string")}
    return {text.rstrip(":") for text in texts | set(program_texts().splitlines())}


def test_every_section_of_the_panel_is_described():
    pages = " ".join(page.read_text(encoding="utf-8") for page in PAGES)
    for file in sorted((ROOT / "LaMoDSlicer" / "Resources" / "UI").glob("*.ui")):
        for widget in ElementTree.parse(file).iter("widget"):
            if widget.get("class") == "ctkCollapsibleButton":
                title = widget.findtext("property[@name='text']/string")
                assert f"*{title}*" in pages, f"{file.name}: the section {title} is not described"


@pytest.mark.parametrize("name", ["reference/messages.md", "how-to/read-a-result.md"])
def test_explained_messages_exist(name: str):
    """Searching for the text of a message finds it, and no row explains a message that the program cannot print."""
    quoted_messages = list(explained_messages(DOCS / name))
    assert quoted_messages, f"{name}: no table of messages"
    missing = [
        (words, quoted)
        for quoted in quoted_messages
        for part in re.split(r"…|frame\(s\)|\b[A-Z]+\b|\d+|[`*“”();]", quoted)
        if len(words := part.strip(" .,;:'")) >= 8 and words not in program_texts()
    ]
    assert missing == [], f"{name}: words that no message contains"


def test_note_codes_exist():
    page = (DOCS / "how-to" / "read-a-result.md").read_text(encoding="utf-8")
    codes = [
        code for row in re.findall(r"^\| \*.*?\| (`.*?) \|", page, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)
    ]
    assert codes and sorted(set(codes) - set(CODES)) == []


def test_no_message_is_explained_twice():
    quoted = list(explained_messages(DOCS / "reference" / "messages.md"))
    assert sorted({message for message in quoted if quoted.count(message) > 1}) == []


def explained_messages(page: Path) -> Iterator[str]:
    """First cells of the rows of a page's message tables."""
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 4:
            inside = False
        elif cells[1] == MESSAGE_HEADER:
            inside = True
        elif inside and not set(cells[1]) <= set("- "):
            yield cells[1]


@cache
def program_texts() -> str:
    """Every text constant of the program, with … for each value that is filled in."""
    files = [*(ROOT / "LaMoDCore").rglob("*.py"), *(ROOT / "LaMoDSlicer").rglob("*.py")]
    texts = [_text(node) for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    return re.sub(r"\{\w*\}", "…", "\n".join(filter(None, texts)))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "…" for part in node.values)
    return ""


def test_generated_pages_are_up_to_date():
    """`make reference` writes them from the argument parsers and the docstrings."""
    command = [sys.executable, str(DOCS / "generate_reference.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
