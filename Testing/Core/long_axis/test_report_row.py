from types import SimpleNamespace

from LaMoDCore.report.numbers import _long_axis_rows


def result(**long_axis):
    return SimpleNamespace(summary={"long_axis": long_axis} if long_axis else {})


def test_gls_of_the_mid_wall_with_its_interval():
    gls = {"mid_wall": -0.1834, "interval": {"mid_wall": [-0.2, -0.17]}}
    (row,) = _long_axis_rows(result(gls=gls, views=[{}, {}]))
    assert (row.name, row.value) == ("GLS, systolic peak", "−18.3 %")
    assert "2 long-axis views, drawn" in row.definition and "−20.0 … −17.0" in row.definition


def test_no_row_without_long_axis():
    assert _long_axis_rows(result()) == []
