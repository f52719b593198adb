"""Runs the steps of a clean-up."""

import logging
from collections.abc import Callable


def runAll(*steps: Callable[[], object]) -> None:
    """Run every step, also after one failed; errors are logged with their traceback."""
    for step in steps:
        try:
            step()
        except Exception:  # any error must not keep the remaining steps from running
            logging.exception("LaMoD could not clean up completely")
