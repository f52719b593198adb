"""LaMoD: myocardial motion and strain from the masks of ordinary cine cardiac MRI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from LaMoDCore.runtime.lazy import lazy_exports

if TYPE_CHECKING:
    from LaMoDCore.contours.automatic.draw import draw_contours
    from LaMoDCore.heart.case import Case, CineSlice, Motion, StrainResult
    from LaMoDCore.heart.notes import Note
    from LaMoDCore.io.case.reader import load_case
    from LaMoDCore.models.folder import load_model
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.prediction.writer import write_result
    from LaMoDCore.runtime.errors import LaMoDError, LaMoDInputError

__version__ = "0.2.0"

__all__ = [
    "Case",
    "CineSlice",
    "LaMoDError",
    "LaMoDInputError",
    "Motion",
    "Note",
    "StrainResult",
    "__version__",
    "draw_contours",
    "load_case",
    "load_model",
    "predict_strain",
    "write_result",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Case": "LaMoDCore.heart.case",
        "CineSlice": "LaMoDCore.heart.case",
        "LaMoDError": "LaMoDCore.runtime.errors",
        "LaMoDInputError": "LaMoDCore.runtime.errors",
        "Motion": "LaMoDCore.heart.case",
        "Note": "LaMoDCore.heart.notes",
        "StrainResult": "LaMoDCore.heart.case",
        "draw_contours": "LaMoDCore.contours.automatic.draw",
        "load_case": "LaMoDCore.io.case.reader",
        "load_model": "LaMoDCore.models.folder",
        "predict_strain": "LaMoDCore.prediction.predict",
        "write_result": "LaMoDCore.prediction.writer",
    },
)
