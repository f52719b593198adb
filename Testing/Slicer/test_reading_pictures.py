"""Pixels of the pictures: positions of segments by AHA for every orientation of the slice; strain matrix."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import panel, reading_heart
from Testing.Slicer.test_reading_numbers import GRIDS

SIZE = (400, 340)
#: Middle of each wall's sector, degrees counter-clockwise from three o'clock.
SIX = {
    "anterior": 90, "anteroseptal": 150, "inferoseptal": 210, "inferior": 270, "inferolateral": 330,
    "anterolateral": 30,
}  # fmt: skip


def _pixels(path):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    width, height, _ = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].astype(int)


def _at(degrees, radius):
    """Pixel (x, y) of a point of the bullseye; its outer radius is 1."""
    unit = min(0.84 * SIZE[0], 0.93 * SIZE[1]) / 2.6
    x = 0.84 * SIZE[0] / 2 + unit * radius * np.cos(np.deg2rad(degrees))
    y = SIZE[1] - 0.93 * SIZE[1] / 2 - unit * radius * np.sin(np.deg2rad(degrees))
    return x, y


def _mean_color(picture, degrees, radius):
    x, y = (round(v) for v in _at(degrees, radius))
    return np.median(picture[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3), axis=0)


def _weak_numbers(folder, grid, patient_direction, level="mid"):
    """Numbers of a ring that hardly moves on one side of the patient; the insertion is 120° clockwise of it."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    (drawn,) = reading_heart.slices([level], grid)
    wall = drawn.myocardium[0]
    y, x = np.nonzero(wall)
    yy, xx = np.indices(wall.shape)
    arm = (np.stack([xx, yy], axis=-1) - [x.mean(), y.mean()]) * drawn.grid.spacing_mm
    towards = drawn.grid.vectors_from_lps(patient_direction)
    near = np.degrees(drawn.grid.angles_from_apex(arm) - drawn.grid.angles_from_apex(towards))
    near = np.mod(near + 180, 360) - 180
    weak = 1 - 0.9 / (1 + np.exp((np.abs(near) - 36) / 4))
    # the weak side is 120° counter-clockwise of the insertion, at the border of inferoseptal and inferior
    angle = float(np.degrees(drawn.grid.angles_from_apex(towards))) - 120
    insertion = reading_heart.insertion_of(drawn, angle)
    reading_heart.write_reading(folder, [drawn], [reading_heart.motion_of(drawn, weak)], insertion)
    return ResultNumbers.ofResult(ResultImport.read(folder))


@pytest.mark.parametrize("name", GRIDS)
def test_a_weak_wall_is_pale_at_its_aha_position(host, tmp_path, name):
    """Inferoseptal and inferior meet 120° counter-clockwise of the insertion, seen from the apex."""
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing

    grid = GRIDS[name]()
    numbers = _weak_numbers(tmp_path / "result", grid, np.array([0.3, 0.6, -0.6]))
    quantity = BullseyeQuantity.ES_ECC
    rings = BullseyeRing.ofNumbers(numbers, quantity)
    picture = BullseyePicture(rings, quantity)
    picture.draw(tmp_path / "b.png", SIZE)
    pixels = _pixels(tmp_path / "b.png")
    colors = {wall: _mean_color(pixels, angle, 0.92) for wall, angle in SIX.items()}
    palest = sorted(colors, key=lambda wall: colors[wall].min(), reverse=True)
    assert set(palest[:2]) == {"inferoseptal", "inferior"}, (palest, numbers.slices[0].segmentValues("ecc_es"))
    for wall, color in colors.items():
        assert color[2] > color[0], f"{wall} shortens but is not blue"
        value = quantity.valuesOf(numbers.slices[0])[numbers.slices[0].segmentNames.index(wall)]
        hit = picture.segmentAt(*_at(SIX[wall], 0.8), SIZE)
        assert numbers.slices[0].segmentNames[hit[1]] == wall
        assert np.isfinite(value)


def test_clicks_outside_the_rings_hit_nothing(host):
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing

    ring = BullseyeRing("1 mid", tuple(SIX), np.zeros(6), (0,))
    picture = BullseyePicture([ring], BullseyeQuantity.PEAK_ECC)
    assert picture.segmentAt(*_at(0, 1.2), SIZE) is None
    assert picture.segmentAt(*_at(0, 0.1), SIZE) is None


def test_apical_ring_has_four_segments_with_the_septum_to_the_left(host):
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing

    names = ("anterior", "septal", "inferior", "lateral")
    picture = BullseyePicture([BullseyeRing("1 apex", names, np.zeros(4), (0,))], BullseyeQuantity.PEAK_ECC)
    for wall, angle in (("anterior", 90), ("septal", 180), ("inferior", 270), ("lateral", 0)):
        assert names[picture.segmentAt(*_at(angle, 0.8), SIZE)[1]] == wall


def test_the_matrix_shows_a_late_weak_sector_and_its_columns_are_times(host, tmp_path):
    from LaMoDSlicerLib.Reading.StrainMatrixPicture import StrainMatrixPicture

    numbers = _weak_numbers(tmp_path / "result", GRIDS["as acquired"](), np.array([0.3, 0.6, -0.6]))
    slice_ = numbers.slices[0]
    picture = StrainMatrixPicture(slice_, numbers.referenceFrame)
    picture.draw(tmp_path / "m.png", SIZE)
    pixels = _pixels(tmp_path / "m.png")
    es = slice_.timesMs[numbers.endSystole]
    column = round(picture.columnOf(es, SIZE[0]))
    assert picture.timeAt(column, SIZE[0]) == pytest.approx(es, abs=4)
    _left, bottom, _width, height = picture.BOX
    rows = [round(SIZE[1] * (1 - bottom - height + height * (s + 0.35) / 24)) for s in range(24)]
    paleness = np.array([pixels[r, column - 3 : column + 4].min(axis=1).mean() for r in rows])
    weakest = int(np.argmax(slice_.matrix[:, numbers.endSystole]))
    assert abs(int(np.argmax(paleness)) - weakest) <= 1
    assert panel.coloured(pixels.astype(np.uint8))[rows[0], column]


def test_a_picture_has_a_file_of_its_process_and_takes_clicks_of_qt_5_and_6(host, tmp_path):
    """Two Slicers shared one file in version 1, and `event.pos()` is gone in Qt 6."""
    from LaMoDSlicerLib.Reading.ClickablePicture import ClickablePicture

    clicks = []
    picture = ClickablePicture(lambda *_: None, lambda x, y: clicks.append((x, y)), tmp_path, "lamod-test")
    assert str(os.getpid()) in picture._file.name
    point = SimpleNamespace(x=lambda: 3.0, y=lambda: 4.0)
    for name in ("position", "localPos"):
        picture.mousePressEvent(SimpleNamespace(**{name: lambda: point}))
    assert clicks == [(3.0, 4.0)] * 2
