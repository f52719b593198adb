"""Runs inside Slicer: performs every step, writes the report and closes Slicer."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> int:
    """Perform the steps; returns the exit code: 0 if every step passed or was left out for a known reason."""
    from Testing.InSlicer.report import Report
    from Testing.InSlicer.steps import STEPS, Session

    report = Report(Path(os.environ["LAMOD_CHECK_OUT"]))
    session = Session(report, install=bool(os.environ.get("LAMOD_CHECK_INSTALL")))
    try:
        for name, step in STEPS.items():
            report.perform(name, step, session)
    finally:
        session.close()
        report.facts["dialogs"] = "; ".join(" ".join(text.split()) for text in session.dialogs) or "none"
        report.write()
    return report.exit_code


if __name__ == "__main__":
    import slicer

    try:
        code = main()
    except Exception:
        import traceback

        traceback.print_exc()
        code = 2
    slicer.util.exit(code)
