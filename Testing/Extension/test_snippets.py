"""The code of the documentation runs: Python blocks, and the lines of the `lamod` command, on small stand-in files.

What cannot run here is listed with its reason; its words are still read by the command's parser.
"""

from __future__ import annotations

import argparse
import re
import runpy
import shutil
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli.program import COMMANDS
from Testing.Extension.snippets import ROOT, Snippet, snippets

#: Snippets that do not run here: pattern of the page and the text, and the reason.
NOT_RUN = {
    r"(make|pip|torchrun|srun|echo) ": "installs packages, or needs several machines or a shell",
    r".*python -m experiments": "takes hours: Testing/Extension/test_experiments.py reads its options",
    r".*lamod phantom .*(--recipe|--paired|--count)": "stand-in hearts are used: Testing/Core/phantom runs the command",
    r".*lamod dense ": "needs a DENSE scan: Testing/Core/dense runs the command",
    r".*lamod (contour|predict contours/|predict --cine)": "needs the weights of a contour engine: "
    "Testing/Core/automatic_contours runs the command",
    r".*lamod train-(contours|posterior)": "takes minutes: Testing/Core/training and Testing/Core/uncertainty run it",
    r".*(--preset (fine-tune|paper)|--baseline |before-and-after|--out cost)": "takes minutes or the run before it: "
    "Testing/Core/training and Testing/Core/evaluation run it",
    r"docs/how-to/train.md.* --preset laptop": "the same command runs for get-started/researcher.md",
    r"docs/how-to/evaluate.md": "the same command runs for get-started/researcher.md",
    r"docs/how-to/add-a-": "Testing/Extension/test_how_tos.py runs the code of the page",
    r".*Testing/InSlicer/launch.py": "needs Slicer: Testing/Slicer/test_in_slicer_check.py performs its steps",
    r"docs/how-to/use-in-slicer.md.*LaMoDSlicerLogic": "needs Slicer: Testing/Slicer runs the class",
}
#: Smaller work for the same command.
SMALLER = {"--preset smoke": "--config tiny.json", "--samples 8": "--samples 2"}
PLACEHOLDERS = {
    "MASKS...": "one.nii",
    "MASKS": "one.nii",
    "OTHER_MASKS...": "second.nii",
    "PATH...": "cine_4d.nii",
    "PATH": "cine_4d.nii",
    "DATASET": "hearts",
}
#: Variables of blocks that are not complete by themselves.
PRELUDES = {
    "docs/concepts/strain.md": """
import numpy as np
y, x = np.mgrid[:40, :40] - 19.5
myocardium = (np.hypot(x, y) > 8) & (np.hypot(x, y) < 14)
displacement_mm, dx, dy = -0.1 * np.stack([[x, y]] * 3), 1.0, 1.0
""",
    "docs/concepts/lddmm.md": """
import numpy as np
import torch
y, x = np.mgrid[:40, :40] - 19.5
v0 = torch.zeros(1, 2, 40, 40)
picture = torch.from_numpy(np.hypot(x, y) < 11).float()[None, None]
end_diastole, end_systole = picture, torch.from_numpy(np.hypot(x, y) < 9).float()[None, None]
mask = np.hypot(x, y) < 11
frames = torch.cat([end_diastole, end_systole])[:, 0]
""",
    "docs/reference/file-formats.md": """
from LaMoDCore import load_case, predict_strain, write_result
write_result(predict_strain(load_case("hearts/cases/s00000-mid-1/masks.seq.nrrd"), samples=1), "result", report=False)
""",
}
#: Commands whose findings are part of the result.
EXPECTED_CODES = {"check": (0, 3)}

ALL = list(snippets())


def reason_not_to_run(snippet: Snippet) -> str:
    text = f"{snippet.page} {snippet.text}" if snippet.kind == "console" else f"{snippet.page} python {snippet.text}"
    for pattern, reason in NOT_RUN.items():
        if re.match(pattern, snippet.text) or re.match(pattern, text, re.DOTALL):
            return reason
    return ""


RUN = [snippet for snippet in ALL if not reason_not_to_run(snippet)]
SKIPPED = [snippet for snippet in ALL if reason_not_to_run(snippet)]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    pytest.importorskip("torch")
    from Testing.Extension.stand_ins import write_all

    home = tmp_path_factory.mktemp("documentation")
    write_all(home)
    return home


def _write_empty_report(_, *files):
    for file in files[:2]:
        file.write_bytes(b"")
    return [file.name for file in files[:2]]


@pytest.fixture
def workplace(stand_ins, tmp_path, monkeypatch):
    """A copy of the stand-ins as working directory; the report, which other tests draw, is an empty page."""
    home = tmp_path / "home"
    shutil.copytree(stand_ins, home)
    monkeypatch.chdir(home)
    monkeypatch.setenv("LAMOD_MODELS", str(home / "known-models"))
    monkeypatch.setattr("LaMoDCore.report.write_report", _write_empty_report)
    return home


@pytest.mark.parametrize("page", list(dict.fromkeys(snippet.page for snippet in RUN)))
def test_the_code_of_a_page_runs(page, workplace, capsys):
    names: dict[str, object] = {"__name__": "__main__"}
    exec(PRELUDES.get(page, ""), names)
    for snippet in (each for each in RUN if each.page == page):
        if snippet.kind == "python":
            exec(compile(_smaller(snippet.text), str(snippet), "exec"), names)
        else:
            _run(snippet, workplace)
        capsys.readouterr()


@pytest.mark.parametrize("snippet", SKIPPED, ids=str)
def test_what_does_not_run_has_valid_options(snippet):
    words = snippet.words if snippet.kind == "console" else []
    if words[:1] == ["lamod"]:
        _parser(words[1]).parse_args(_filled(snippet.text, Path("any"))[2:])
    elif snippet.kind == "python":
        compile(snippet.text, str(snippet), "exec")
    pytest.skip(reason_not_to_run(snippet))


def test_estimate_with_a_grid(workplace, capsys):
    """`lamod train --estimate` of docs/how-to/train.md, with the grid of the same page."""
    from LaMoDCore.cli import main

    (grid,) = [s.text for s in ALL if s.page.endswith("train.md") and s.text.startswith("echo")]
    (workplace / "grid.json").write_text(re.search(r"'(.*)'", grid)[1], encoding="utf-8")
    words = ["train", "--data", "hearts", "--out", "search", "--config", "tiny.json", "--grid", "grid.json"]
    assert main([*words, "--estimate", "--progress", "none"]) == 0
    assert "memory: about" in capsys.readouterr().out


def test_the_documentation_has_snippets_of_each_kind():
    assert len(RUN) > 20
    assert {snippet.kind for snippet in RUN} == {"python", "console"}
    used = {pattern for pattern in NOT_RUN for s in SKIPPED if reason_not_to_run(s) == NOT_RUN[pattern]}
    assert used == set(NOT_RUN), "a reason that no snippet needs"


def _smaller(text: str) -> str:
    for large, small in SMALLER.items():
        text = text.replace(large, small)
    return text.replace("samples=8", "samples=2")


def _filled(text: str, home: Path) -> list[str]:
    """The words after `lamod`, without optional parts in brackets, placeholders replaced."""
    text = _smaller(re.sub(r"\[[^]]*\]", "", text))
    if "X,Y,Z" in text:
        text = text.replace("X,Y,Z", _insertion(home) if home.exists() else "1,2,3")
    if "--mask-frames" in text:
        text = text.replace("MASKS", "frame01_gt.nii frame10_gt.nii").replace("PATH", "cine_4d.nii")
    words = [word for word in Snippet("", 0, "console", text).words if word != "…"]
    return [PLACEHOLDERS.get(word, word) for word in words]


def _insertion(home: Path) -> str:
    from LaMoDCore import load_case

    point = load_case(home / "masks.nii.gz").rv_insertion_lps
    return ",".join(f"{value:.1f}" for value in np.asarray(point))


def _run(snippet: Snippet, home: Path) -> None:
    from LaMoDCore.cli import main

    words = _filled(snippet.text, home)
    for word in ("result", "DIR", "run"):  # an earlier line of the page may have written it
        if "--out" in words and words[words.index("--out") + 1] == word and (home / word).exists():
            shutil.rmtree(home / word)
    if words[0] == "python":
        arguments, sys.argv = sys.argv, [str(ROOT / words[1]), *words[2:]]
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        finally:
            sys.argv = arguments
        return
    code = main(words[1:])
    assert code in EXPECTED_CODES.get(words[1], (0,)), f"{snippet}: {' '.join(words)}"


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(f"LaMoDCore.cli.{COMMANDS[verb]}").add_arguments(parser)
    return parser
