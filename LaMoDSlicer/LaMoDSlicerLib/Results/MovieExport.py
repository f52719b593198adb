from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class MovieExport:
    """Films views at every frame of a sequence browser, and writes an animated GIF in real time, or PNG files.

    One frame is drawn per turn of the event loop, so that Slicer remains usable and the export can be cancelled.
    The texts in the corners of Slicer's views are left out: they may name the patient.

    Args:
        views: `sliceView()` or `plotView()` of widgets of the layout, from left to right.
        browserNode: the sequence browser.
        timesMs: [T] of the frames.
        rrMs: length of the beat.
        captions: [T] texts below the pictures.
    """

    #: Height of the caption and colours of paper and ink.
    CAPTION, PAPER, INK = 22, (255, 255, 255), (32, 38, 46)
    #: A GIF stores durations in hundredths of a second.
    GIF_STEP_MS = 10

    def __init__(
        self, views: list[Any], browserNode: Any, timesMs: np.ndarray, rrMs: float, captions: list[str]
    ) -> None:
        self._views, self._browser = views, browserNode
        self._timesMs, self._rrMs, self._captions = timesMs, rrMs, captions
        self._pictures: list[np.ndarray] = []
        self._hidden: list[tuple[Any, int]] = []
        self._before = 0
        self._path: Path | None = None
        self._onProgress: Callable[[int, int], None] = lambda _done, _count: None
        self._onEnd: Callable[[list[Path], str], None] = lambda _files, _error: None
        self._timer: Any = None

    @property
    def isRunning(self) -> bool:
        return self._timer is not None

    @staticmethod
    def filesOf(path: Path, count: int) -> list[Path]:
        """The files that are written: the GIF, or one PNG per frame, counted from 1."""
        if path.suffix.lower() != ".png":
            return [path]
        return [path.with_name(f"{path.stem}-{number:02d}.png") for number in range(1, count + 1)]

    def start(
        self, path: Path, onProgress: Callable[[int, int], None], onEnd: Callable[[list[Path], str], None]
    ) -> None:
        """Begin to film.

        Args:
            path: .gif or .png.
            onProgress: called with the number of frames that are done, and that of all frames.
            onEnd: called with the files and "", or without files and with the reason.
        """
        self._path, self._onProgress, self._onEnd = path, onProgress, onEnd
        self._before = self._browser.GetSelectedItemNumber()
        for text in (text for view in self._views for text in self._cornerTexts(view)):
            self._hidden.append((text, text.GetVisibility()))
            text.SetVisibility(False)
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._next)
        self._timer.start()

    def cancel(self) -> None:
        """Stop and write nothing."""
        if self.isRunning:
            self._finish([], "")

    def _next(self) -> None:
        try:
            self._step()
        except Exception as error:  # the timer would repeat it without end
            if self.isRunning:
                self._finish([], str(error) or type(error).__name__)
            raise

    def _step(self) -> None:
        """Film the next frame, or write the files after the last one."""
        done, count = len(self._pictures), len(self._timesMs)
        if self._browser.GetScene() is None:
            self._finish([], "")
        elif done < count:
            self._browser.SetSelectedItemNumber(done)
            self._pictures.append(self._captioned(self._picture(), self._captions[done]))
            self._onProgress(done + 1, count)
        else:
            try:
                self._finish(self._write(), "")
            except OSError as error:
                self._finish([], error.strerror or str(error))

    def _finish(self, files: list[Path], error: str) -> None:
        self._timer.stop()
        self._timer.disconnect("timeout()", self._next)
        self._timer = None
        for annotation, visibility in self._hidden:
            annotation.SetVisibility(visibility)
        if self._browser.GetScene() is not None:
            self._browser.SetSelectedItemNumber(self._before)
        self._pictures, self._hidden = [], []
        self._onEnd(files, error)

    @staticmethod
    def _cornerTexts(view: Any) -> list[Any]:
        """The texts in the corners of a view: Slicer has one per layer."""
        renderers = view.renderWindow().GetRenderers()
        layers = [renderers.GetItemAsObject(i) for i in range(renderers.GetNumberOfItems())]
        props = [layer.GetViewProps() for layer in layers]
        drawn = [each.GetItemAsObject(i) for each in props for i in range(each.GetNumberOfItems())]
        return [prop for prop in drawn if prop.IsA("vtkCornerAnnotation")]

    def _picture(self) -> np.ndarray:
        """uint8 [H, W, 3]: the views side by side."""
        shots = [self._shot(view) for view in self._views]
        height = max(len(shot) for shot in shots)
        padded = [np.pad(s, ((0, height - len(s)), (0, 4), (0, 0)), constant_values=255) for s in shots]
        page = np.concatenate(padded, axis=1)[:, :-4]
        return self._inSize(page, self._pictures[0].shape) if self._pictures else page

    def _inSize(self, page: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The page in the size of the first one, with caption: the user may resize a view while it is filmed."""
        height, width = shape[0] - self.CAPTION, shape[1]
        page = page[:height, :width]
        missing = ((0, height - page.shape[0]), (0, width - page.shape[1]), (0, 0))
        return np.pad(page, missing, constant_values=255)

    @staticmethod
    def _shot(view: Any) -> np.ndarray:
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(view.renderWindow())
        grabber.ReadFrontBufferOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _depth = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()

    def _captioned(self, picture: np.ndarray, text: str) -> np.ndarray:
        from PIL import Image, ImageDraw

        height, width = picture.shape[:2]
        page = Image.new("RGB", (width, height + self.CAPTION), self.PAPER)
        page.paste(Image.fromarray(picture), (0, 0))
        ImageDraw.Draw(page).text((6, height + 5), text, fill=self.INK)
        return np.asarray(page)

    def durationsMs(self) -> list[int]:
        """How long each frame is shown: multiples of `GIF_STEP_MS` that add up to one beat."""
        ends = np.append(
            self._timesMs[1:], self._timesMs[0] + max(self._rrMs, self._timesMs[-1] - self._timesMs[0] + 1)
        )
        ticks = np.rint((np.append(self._timesMs[0], ends) - self._timesMs[0]) / self.GIF_STEP_MS)
        return [int(step) * self.GIF_STEP_MS for step in np.maximum(np.diff(ticks), 1)]

    def _write(self) -> list[Path]:
        from PIL import Image

        from LaMoDCore.runtime.atomic import replace, scratch_folder

        files = self.filesOf(self._path, len(self._pictures))
        pages = [Image.fromarray(picture) for picture in self._pictures]
        with scratch_folder(self._path) as folder:
            if len(files) == 1 and self._path.suffix.lower() == ".gif":
                pages[0].save(
                    folder / files[0].name,
                    save_all=True,
                    append_images=pages[1:],
                    duration=self.durationsMs(),
                    loop=0,
                )
            else:
                for page, file in zip(pages, files, strict=True):
                    page.save(folder / file.name)
            for file in files:
                replace(folder / file.name, file)
        return files
