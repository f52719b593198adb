"""Checks the module in a genuine 3D Slicer: ``make test-in-slicer SLICER=/path/to/Slicer``.

``launch`` starts Slicer with ``check``, which performs the ``steps`` and writes a ``report`` with pictures.
"""
