"""What is looked up once is what is in the file."""

import h5py
import numpy as np
import pytest
import xarray as xr

from bayes_tbm.errors import WriteError
from bayes_tbm.runtime.netcdf import KeptLookups, write_netcdf


def described(path):
    """All that a file holds, scales and references of netCDF included, as text."""
    found = {}

    def describe(name, item):
        attrs = {n: h5py.h5a.get_info(item.id, n.encode()).data_size for n in item.attrs}
        own = (item.shape, item.dtype.str, item.chunks) if hasattr(item, "shape") else ()
        found[name] = (*own, attrs, [str(x) for n, x in item.attrs.items() if "LIST" not in n])

    with h5py.File(path) as file:
        describe("/", file)
        file.visititems(describe)
    return found


def test_all_is_read_and_written_as_without(tmp_path):
    time = np.array(["2001-01-01", "2001-01-03"], "datetime64[ns]")
    data = xr.Dataset(
        {"gpp": ("time", [1.0, np.nan], {"units": "g C m-2 d-1"}), "name": "twin",
         "count": ((), 3), "packed": ("time", [1, 2], {"flag": np.int32(7)})},
        {"time": time},
    )  # fmt: skip
    inner = xr.Dataset({"gpp": (("chain", "draw"), np.ones((2, 3)))}, {"chain": [0, 1]})
    tree = xr.DataTree.from_dict({"/": data, "/a": inner, "/a/b": inner * 2.0})
    path = tmp_path / "tree.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    write_netcdf(tmp_path / "kept.nc", tree)
    assert described(tmp_path / "kept.nc") == described(path)
    xr.testing.assert_identical(xr.load_datatree(tmp_path / "kept.nc", engine="h5netcdf"), tree)
    with KeptLookups(path) as file:
        found = xr.open_datatree(file, engine="h5netcdf").load()
    xr.testing.assert_identical(found, xr.open_datatree(path, engine="h5netcdf").load())
    xr.testing.assert_identical(found, tree)
    path.unlink()


def test_a_variable_is_looked_up_once_unless_it_was_removed(tmp_path):
    path = tmp_path / "data.nc"
    xr.Dataset({"gpp": ("time", np.ones(3))}).to_netcdf(path, engine="h5netcdf")
    with KeptLookups(path) as file:
        assert file["gpp"] is file["gpp"]
        assert file[file["gpp"].ref] == file["gpp"]
        with pytest.raises(KeyError):
            file["nee"]
    with KeptLookups(path, "w") as file:
        file["a"] = np.zeros(2)
        assert file["a"].shape == (2,)
        group = file["/"]
        del group["a"]
        with pytest.raises(KeyError):
            file["a"]
        group["a"] = np.zeros(3)
        assert file["a"].shape == (3,)


def test_what_cannot_be_written_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = write_netcdf(tmp_path / "data.nc", xr.Dataset({"gpp": ("time", np.ones(3))}))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match=r"data.nc: could not be written; found No space left"):
        write_netcdf(path, xr.Dataset({"gpp": ("time", np.zeros(900))}))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
