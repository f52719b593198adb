"""``make slicer-host``: the module in a live window, without Slicer, with the sample heart."""

from __future__ import annotations

import argparse

from Testing.SlicerHost import start
from Testing.SlicerHost.module_window import open_window


def main() -> int:
    parser = argparse.ArgumentParser(prog="slicer-host", description=__doc__)
    parser.add_argument("--no-sample", action="store_true", help="start with an empty scene")
    options = parser.parse_args()
    application = start(testing=False)
    open_window(application)
    if not options.no_sample:
        import SampleData

        SampleData.SampleDataLogic.downloadSample("LaMoDPhantom")
    application._qt.setQuitOnLastWindowClosed(True)
    return int(application._qt.exec())


if __name__ == "__main__":
    raise SystemExit(main())
