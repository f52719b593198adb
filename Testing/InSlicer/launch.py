"""Starts Slicer with the check and says where the report is; runs with any Python 3.9 or newer.

python Testing/InSlicer/launch.py --slicer /path/to/Slicer [--install] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The program in the folder of an installed Slicer, on Linux, Windows and macOS.
PROGRAMS = ("Slicer", "Slicer.exe", "Contents/MacOS/Slicer", "Slicer.app/Contents/MacOS/Slicer")
LONGEST_S = 3600


def program_in(path: Path) -> Path:
    """Slicer's program: the path itself, or inside the folder or application bundle.

    Raises:
        FileNotFoundError: there is none.
    """
    for found in (path, *(path / name for name in PROGRAMS)):
        if found.is_file():
            return found
    raise FileNotFoundError(f"{path} is neither Slicer's program nor a folder that contains it")


def command(program: Path) -> list[str]:
    """The command line that performs the check; Slicer closes afterwards."""
    module = ["--additional-module-path", str(ROOT / "LaMoDSlicer")]
    return [str(program), "--no-splash", *module, "--python-script", str(Path(__file__).with_name("check.py"))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="test-in-slicer", description=__doc__)
    parser.add_argument("--slicer", required=True, type=Path, help="Slicer's program or the folder that contains it")
    parser.add_argument("--out", type=Path, default=ROOT / "test-in-slicer", help="folder of the report")
    parser.add_argument("--install", action="store_true", help="install missing packages into this Slicer")
    options = parser.parse_args()
    out = options.out.resolve()
    environment = {**os.environ, "LAMOD_CHECK_OUT": str(out), "LAMOD_CHECK_INSTALL": "1" if options.install else ""}
    try:
        line = command(program_in(options.slicer.expanduser().resolve()))
        print("Starting Slicer; this takes some minutes. Please do not use mouse and keyboard.", flush=True)
        code = subprocess.run(line, env=environment, timeout=LONGEST_S, check=False).returncode
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        print(f"test-in-slicer: {error}", file=sys.stderr)
        return 1
    page = out / "report.md"
    if not page.is_file():
        print(f"test-in-slicer: Slicer ended with code {code} and wrote no report", file=sys.stderr)
        return 1
    with page.open("a", encoding="utf-8") as stream:
        stream.write(f"\nSlicer ended with exit code {code}.\n")
    print(f"Report: {page}\nTo attach to an issue: {out.with_suffix('.zip')}")
    return 0 if code == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
