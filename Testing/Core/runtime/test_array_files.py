"""Arrays and archives whose headers promise more than they hold."""

import io
import zipfile

import numpy as np
import pytest

from LaMoDCore.runtime.array_files import check_member, open_archive, read_npy, read_npz
from LaMoDCore.runtime.errors import LaMoDInputError


def header(shape, descr="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    values = np.arange(24.0).reshape(2, 3, 4)
    for number, array in enumerate(
        (values, np.asfortranarray(values), values > 3, np.float32(5), values.astype(">i2"))
    ):
        np.save(tmp_path / f"{number}.npy", array)
        found = read_npy(tmp_path / f"{number}.npy")
        assert np.array_equal(found, array) and found.shape == np.shape(array)
    np.savez_compressed(tmp_path / "z.npz", a=values, b=np.array([True]))
    assert np.array_equal(read_npz(tmp_path / "z.npz", ("a",))["a"], values)
    assert set(read_npz(tmp_path / "z.npz")) == {"a", "b"}
    with pytest.raises(LaMoDInputError, match="it lacks 'c'"):
        read_npz(tmp_path / "z.npz", ("a", "c"))


@pytest.mark.parametrize(
    "data",
    [
        header((10**9, 10**9)), header((-1, 5)) + bytes(80), header((3,)), header((2,), "|O") + bytes(16),
        header((2,), "<U4") + bytes(32), b"\x93NUMPY\x09\0" + bytes(90), b"text",
    ],
)  # fmt: skip
def test_false_arrays_are_refused(tmp_path, data):
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(LaMoDInputError):
        read_npy(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", data)
    with pytest.raises(LaMoDInputError):
        read_npz(tmp_path / "x.npz", ("x",))


def test_bombs_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header((1 << 20,), "|u1") + bytes(1 << 20))
    with open_archive(path, "") as archive, pytest.raises(LaMoDInputError, match="1 MiB"):
        check_member(path, archive.getinfo("x.npy"), most=1000)
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\1\2")
    data[place + 24 : place + 28] = (0xFFFFFFF0).to_bytes(4, "little")  # the size of the file in the listing
    path.write_bytes(data)
    with pytest.raises(LaMoDInputError, match="4096 MiB"):
        read_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.npy"), b"")
    with pytest.raises(LaMoDInputError, match="list of files is too long"):
        read_npz(path)
