"""Writes files.cmake of LaMoDCore and LaMoDSlicer: the files that the extension installs (`make file-lists`).

CMake could search for them, but a list that is reviewed and compared by a test shows when a file goes missing.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _block(name: str, folder: Path, files: list[Path]) -> str:
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    return f"set({name}\n" + "".join(f"  {file}\n" for file in names) + "  )\n"


def _files(folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return [file for file in files if file.suffix not in (".py", ".cmake") and file.name != "CMakeLists.txt"]


def expected() -> dict[Path, str]:
    """Path and content of each list for the current files of the source tree."""
    core, module, models = ROOT / "LaMoDCore", ROOT / "LaMoDSlicer", ROOT / "Resources" / "Models"
    return {
        core / "files.cmake": "\n".join(
            [
                _block("MODULE_PYTHON_SCRIPTS", core, list(core.rglob("*.py"))),
                _block("MODULE_PYTHON_RESOURCES", core, _files(core)),
                _block("SHIPPED_MODEL_FILES", models, _files(models)),
            ]
        ),
        module / "files.cmake": "\n".join(
            [
                _block("MODULE_PYTHON_SCRIPTS", module, list(module.rglob("*.py"))),
                _block("MODULE_PYTHON_RESOURCES", module, _files(module)),
            ]
        ),
    }


if __name__ == "__main__":
    for path, content in expected().items():
        path.write_text(content, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
