"""Each of several pytest workers uses one thread; more threads than cores would slow each other down."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # torch, NumPy and ITK read them when they are imported, after this file
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ.setdefault(variable, "1")
