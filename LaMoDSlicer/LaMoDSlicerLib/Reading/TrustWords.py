import re
from collections.abc import Iterator
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Reading.Reading import Reading


class TrustWords:
    """What to be careful about in a result, in words.

    Args:
        reading: the result.
    """

    #: Spread beyond which segments are named, ± percentage points.
    WIDE = 4.0
    DISAGREE = "the samples disagree"
    #: How notes end that name an option of `lamod predict`.
    OF_THE_COMMAND = re.compile(r"[;,] name (?:it|them|another) with --[\w-]+(?: if wrong)?(?=\.)")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def warnings(self) -> list[str]:
        """What must be looked at first; empty where nothing was found."""
        from LaMoDCore.heart.case import LEFT_OUT

        wide = self._wideSegments()
        # where segments are named, that the samples disagree says the same of them once more
        doubts = [doubt for doubt in self._doubts() if not (wide and self.DISAGREE in doubt)]
        assumed = self._assumptions(routine=False)
        left_out = [note for note in assumed if LEFT_OUT in note]
        return list(dict.fromkeys([*self._unlikeTraining(), *left_out, *doubts, *wide, *assumed]))

    def facts(self) -> list[str]:
        """What holds of every result of this kind."""
        facts = [self._uncertainty()]
        if self._reading.summary.get("provenance", {}).get("model_sha256"):  # predicted, not measured
            text = _(
                "Read from the contours alone: a scar that leaves them unchanged is not seen; rotation is inferred."
            )
            facts.append(text)
        return [*facts, _("GCS: mean Ecc of the slices given. GLS: not available from short axis.")]

    def usualGuesses(self) -> list[str]:
        """What was assumed of the input and is right as a rule."""
        return self._assumptions(routine=True)

    def html(self, most: int = 4) -> str:
        """For a label: the warnings in bold first; beyond `most` they are counted."""
        warnings = self.warnings()
        lines = [f"<b>{self._escaped(text)}</b>" for text in warnings[:most]]
        if len(warnings) > most:
            lines.append(_("… and {count} more: rest the mouse here.").format(count=len(warnings) - most))
        if not warnings:
            lines.append(_("No flag was raised; that is no proof that it is right."))
        return "<br>".join([*lines, *map(self._escaped, self.facts())])

    def plain(self) -> str:
        """All of it, for a tool tip or a file."""
        return "\n".join([*self.warnings(), *self.usualGuesses(), *self.facts()])

    def _unlikeTraining(self) -> list[str]:
        found = []
        for where, verdict in self._verdicts(self._reading.summary, ""):
            if verdict.get("flagged"):
                said = verdict.get("sentence") or _("unlike the hearts that the model was trained on")
                found.append(f"{where}: {said}" if where and not said.startswith(where) else said)
        return list(dict.fromkeys(found))

    def _verdicts(self, part: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every "unlike_training" of strain.json with the slice that it is said of."""
        if isinstance(part, dict):
            for key, value in part.items():
                if key == "unlike_training":
                    listed = value if isinstance(value, list) else [value]
                    for number, item in enumerate(listed, 1):
                        if isinstance(item, dict) and "flagged" in item:
                            name = f"Slice {number}" if isinstance(value, list) else where
                            yield self._readable(name), item
                        elif isinstance(item, dict):
                            yield from self._verdicts({k: {"unlike_training": v} for k, v in item.items()}, where)
                else:
                    yield from self._verdicts(value, where if key in ("quality", "slices") else str(key))
        elif isinstance(part, list):
            for number, item in enumerate(part, 1):
                if isinstance(item, dict):
                    yield from self._verdicts(item, f"Slice {number}")

    def _doubts(self) -> list[str]:
        quality = self._reading.summary.get("quality", [])
        if isinstance(quality, dict):
            quality = quality.get("notes", [])
        return [self._readable(doubt) for doubt in quality if isinstance(doubt, str)]

    def _assumptions(self, *, routine: bool) -> list[str]:
        """What was assumed of the input: slices left out, guessed times; or what is guessed right as a rule."""
        from LaMoDCore.heart.case import is_routine

        notes = [note for note in self._reading.summary.get("notes", []) if isinstance(note, str)]
        return [self._readable(note) for note in notes if is_routine(note) == routine]

    def _readable(self, text: str) -> str:
        """Slices and files by number: their names may be a person's; without options of the command line."""
        from LaMoDCore.heart.numbered_names import by_number, numbers_of

        summary = self._reading.summary
        slices = [str(part.get("name", "")) for part in summary.get("slices", [])]
        files = [str(part.get("name", "")) for part in summary.get("provenance", {}).get("inputs", [])]
        said = self.OF_THE_COMMAND.sub("", by_number(text, numbers_of(slices, files, single=_("the masks"))))
        return said[:1].upper() + said[1:]

    def _wideSegments(self) -> list[str]:
        found = []
        for slice_ in self._reading.slices:
            if not slice_.hasInterval:
                continue
            half = 50.0 * (slice_.peakInterval()[:, 1] - slice_.peakInterval()[:, 0])
            wide = [f"{slice_.segmentNames[s]} ±{half[s]:.0f}" for s in range(len(half)) if half[s] > self.WIDE]
            if wide:
                text = _("{slice}: peak Ecc is uncertain by more than ±{limit:.0f} %-points: {segments}.")
                found.append(text.format(slice=slice_.label, limit=self.WIDE, segments=", ".join(wide)))
        return found

    def _uncertainty(self) -> str:
        slices = self._reading.slices
        if not any(s.hasInterval for s in slices):
            return _("No uncertainty is known: there is one sample. A prediction with 8 or more (Advanced) brings it.")
        if all(s.calibrated for s in slices if s.hasInterval):
            return _("Bands and ±: 90 % intervals, calibrated on synthetic hearts; untested on real ones.")
        text = _(
            "Bands and ±: 1.645 SD of the model's {count} samples, uncalibrated: the error against a measurement may "
            "be much larger."
        )
        return text.format(count=self._reading.samples)

    @staticmethod
    def _escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
