"""Writes LaMoDCore/files.cmake: the files that the extension installs, named one by one (`make file-lists`).

CMake could find them by itself, but a list that people read and a test compares shows when a file goes missing.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "LaMoDCore" / "files.cmake"


def _block(name: str, files: list[str]) -> str:
    return f"set({name}\n" + "".join(f"  {file}\n" for file in files) + "  )\n"


def expected() -> str:
    """What files.cmake must say of the tree as it is."""
    core, models = ROOT / "LaMoDCore", ROOT / "Resources" / "Models"
    scripts = sorted(str(p.relative_to(core).as_posix()) for p in core.rglob("*.py"))
    shipped = sorted(str(p.relative_to(models).as_posix()) for p in models.rglob("*") if p.is_file())
    return "\n".join(
        [
            _block("MODULE_PYTHON_SCRIPTS", scripts),
            _block("MODULE_PYTHON_RESOURCES", ["py.typed"]),
            _block("SHIPPED_MODEL_FILES", shipped),
        ]
    )


if __name__ == "__main__":
    LIST.write_text(expected(), encoding="utf-8")
    print(f"wrote {LIST.relative_to(ROOT)}")
