"""``make slicer-host``: the module in a live window, without Slicer. Opens the sample heart where it can."""

from __future__ import annotations

import argparse
from pathlib import Path

from Testing.SlicerHost import start

MODULE = Path(__file__).resolve().parents[2] / "LaMoDSlicer" / "LaMoDSlicer.py"


def main() -> int:
    parser = argparse.ArgumentParser(prog="slicer-host", description=__doc__)
    parser.add_argument("--no-sample", action="store_true", help="start with an empty scene")
    options = parser.parse_args()
    application = start(testing=False)
    from Testing.SlicerHost.main_window import MainWindow

    window = MainWindow(application)
    application._load_module(MODULE)
    window.show()
    application._select_module("LaMoDSlicer")
    if not options.no_sample:
        import SampleData

        SampleData.SampleDataLogic.downloadSample("LaMoDPhantom")
    application._qt.setQuitOnLastWindowClosed(True)
    return int(application._qt.exec())


if __name__ == "__main__":
    raise SystemExit(main())
