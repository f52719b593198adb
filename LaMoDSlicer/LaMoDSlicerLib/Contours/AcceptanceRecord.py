import datetime
import getpass
import hashlib
import json
from typing import Any

import numpy as np
import slicer


class AcceptanceRecord:
    """Records who accepted the contour of which frame, and when, as an attribute of the masks in the scene.

    An acceptance is valid for one contour; it expires when that contour changes.

    Args:
        node: the masks' sequence, or the masks if there is no sequence.
    """

    ATTRIBUTE = "LaMoD.Accepted"

    def __init__(self, node: Any) -> None:
        self._node = node

    def _entries(self) -> dict[str, dict[str, str]]:
        from LaMoDCore.runtime.json_file import parse_json

        try:
            entries = parse_json(self._node.GetAttribute(self.ATTRIBUTE) or "{}")
        except ValueError:
            return {}
        return entries if isinstance(entries, dict) else {}

    def accept(self, sliceName: str, frame: int, mask: np.ndarray) -> None:
        """Record that the current user accepts a contour."""
        entries = self._entries()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        entries[self._key(sliceName, frame)] = {"who": self.userName(), "when": now, "contour": self._digest(mask)}
        self._node.SetAttribute(self.ATTRIBUTE, json.dumps(entries, sort_keys=True))

    def of(self, sliceName: str, frame: int, mask: np.ndarray) -> dict[str, str] | None:
        """User and time of the acceptance of this contour, or None."""
        entry = self._entries().get(self._key(sliceName, frame))
        return entry if entry is not None and entry.get("contour") == self._digest(mask) else None

    @staticmethod
    def userName() -> str:
        """The user name in Slicer's application settings, else the account's name."""
        logic = slicer.app.applicationLogic()
        information = logic.GetUserInformation() if hasattr(logic, "GetUserInformation") else None
        name = information.GetName() if information is not None else ""
        if name:
            return name
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):  # an account without a name, as in containers
            return "unknown"

    @staticmethod
    def _key(sliceName: str, frame: int) -> str:
        return f"{sliceName}, frame {frame}"

    @staticmethod
    def _digest(mask: np.ndarray) -> str:
        return hashlib.sha256(np.packbits(mask.astype(bool)).tobytes()).hexdigest()[:16]
