import datetime
import getpass
import json
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Inputs import FrameMask


class AcceptanceRecord:
    """Records who accepted the contour of which frame, and when, as an attribute of the masks in the scene.

    An acceptance is valid for one contour; it expires when that contour changes.

    Args:
        node: the masks' sequence, or the masks if there is no sequence.
    """

    ATTRIBUTE = "LaMoD.Accepted"

    def __init__(self, node: Any) -> None:
        self._node = node
        self._read: tuple[str, dict[str, dict[str, str]]] = ("", {})

    def _entries(self) -> dict[str, dict[str, str]]:
        from LaMoDCore.runtime.json_file import parse_json

        text = self._node.GetAttribute(self.ATTRIBUTE) or "{}"
        if text != self._read[0]:
            try:
                entries = parse_json(text)
            except ValueError:
                entries = {}
            self._read = (text, entries if isinstance(entries, dict) else {})
        return dict(self._read[1])

    def accept(self, depth: int, frame: int, mask: np.ndarray) -> None:
        """Record that the current user accepts a contour.

        Args:
            depth: index of the slice in the masks' volume.
            frame: counted from 0.
            mask: bool [H, W], the contour.
        """
        entries = self._entries()
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        entries[self._key(depth, frame)] = {"who": self.userName(), "when": now, "contour": FrameMask.digest(mask)}
        self._node.SetAttribute(self.ATTRIBUTE, json.dumps(entries, sort_keys=True))

    def withdraw(self, depth: int, frame: int) -> None:
        """Remove an acceptance."""
        entries = self._entries()
        if entries.pop(self._key(depth, frame), None) is not None:
            self._node.SetAttribute(self.ATTRIBUTE, json.dumps(entries, sort_keys=True))

    def withdrawAll(self) -> None:
        """Remove the acceptances of all frames."""
        if self._node.GetAttribute(self.ATTRIBUTE) is not None:
            self._node.SetAttribute(self.ATTRIBUTE, None)

    def of(self, depth: int, frame: int, mask: np.ndarray) -> dict[str, str] | None:
        """User and time of the acceptance of this contour, or None."""
        return self.ofDigest(depth, frame, FrameMask.digest(mask))

    def ofDigest(self, depth: int, frame: int, digest: str) -> dict[str, str] | None:
        """As `of`, for the hash of a contour."""
        entry = self._entries().get(self._key(depth, frame))
        return entry if entry is not None and entry.get("contour") == digest else None

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
    def _key(depth: int, frame: int) -> str:
        return f"slice {depth + 1}, frame {frame}"
