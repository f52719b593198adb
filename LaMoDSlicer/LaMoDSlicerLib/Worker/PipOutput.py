import io
from typing import Any


class PipOutput(io.TextIOBase):
    """Passes text on to a stream and keeps the last error of pip, or the last line.

    Args:
        stream: None if there is no console.
    """

    _LONGEST = 20_000

    def __init__(self, stream: Any) -> None:
        self._stream, self._text = stream, ""

    def write(self, text: str) -> int:
        self._text = (self._text + text)[-self._LONGEST :]
        if self._stream is not None:
            self._stream.write(text)
        return len(text)

    @property
    def line(self) -> str:
        """The last line that begins with "ERROR:", else the last line that is not empty."""
        lines = [each.strip() for each in self._text.splitlines() if each.strip()]
        errors = [each for each in lines if each.startswith("ERROR:")]
        return (errors or lines or [""])[-1]
