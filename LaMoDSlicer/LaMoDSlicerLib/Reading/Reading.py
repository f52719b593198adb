import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from LaMoDSlicerLib.Reading.SliceReading import SliceReading


@dataclass(frozen=True, eq=False)
class Reading:
    """Everything of one result that can be read as numbers. It goes into the scene as text, and comes back from it.

    Attributes:
        slices: from base to apex.
        referenceFrame: end-diastole.
        endSystole: the frame of end-systole.
        summary: strain.json.
    """

    slices: tuple[SliceReading, ...]
    referenceFrame: int
    endSystole: int
    summary: dict[str, Any]

    VERSION = 1
    _ARRAYS = ("timesMs", "matrix", "onsetMs", "ijkToLps", "centerLps", "insertionLps")
    _CURVES = ("curves", "low", "high", "spread", "mean")

    @property
    def numberOfFrames(self) -> int:
        return len(self.slices[0].timesMs)

    @property
    def samples(self) -> int:
        """How many samples of the model the values and their spread come from; 1 where nothing is said."""
        return int(self.summary.get("provenance", {}).get("samples") or 1)

    def toText(self) -> str:
        """JSON; NaN is null."""
        slices = [self._plain({**asdict(s), "summary": None}) for s in self.slices]
        content = {
            "version": self.VERSION,
            "referenceFrame": self.referenceFrame,
            "endSystole": self.endSystole,
            "slices": slices,
            "summary": self.summary,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False)

    @classmethod
    def fromText(cls, text: str) -> "Reading":
        """Raises:
        ValueError, KeyError: it is no reading, or one of a later version.
        """
        content = json.loads(text)
        if content["version"] > cls.VERSION:
            raise ValueError("this result was saved by a later version of LaMoD")
        parts = content["summary"].get("slices", [])
        slices = []
        for index, stored in enumerate(content["slices"]):
            for name in cls._ARRAYS:
                stored[name] = np.array(stored[name], float)
            for name in cls._CURVES:
                stored[name] = {key: np.array(values, float) for key, values in stored[name].items()}
            stored["segmentNames"], stored["aha"] = tuple(stored["segmentNames"]), tuple(stored["aha"])
            stored["summary"] = parts[index] if index < len(parts) else {}
            slices.append(SliceReading(**stored))
        return cls(tuple(slices), content["referenceFrame"], content["endSystole"], content["summary"])

    @staticmethod
    def _plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: Reading._plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            rounded = np.round(value.astype(float), 7)
            return np.where(np.isfinite(rounded), rounded.astype(object), None).tolist()
        if isinstance(value, (list, tuple)):
            return [Reading._plain(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value
