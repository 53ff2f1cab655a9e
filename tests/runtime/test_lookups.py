"""What is looked up once is what is in the file."""

import numpy as np
import pytest
import xarray as xr

from bayes_tbm.runtime.lookups import ReadOnce


def test_all_is_read_that_is_read_without(tmp_path):
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
    with ReadOnce(path) as file:
        found = xr.open_datatree(file, engine="h5netcdf").load()
    xr.testing.assert_identical(found, xr.open_datatree(path, engine="h5netcdf").load())
    xr.testing.assert_identical(found, tree)
    path.unlink()


def test_a_variable_is_looked_up_once_and_nothing_is_written(tmp_path):
    path = tmp_path / "data.nc"
    xr.Dataset({"gpp": ("time", np.ones(3))}).to_netcdf(path, engine="h5netcdf")
    with ReadOnce(path) as file:
        assert file["gpp"] is file["gpp"]
        assert file[file["gpp"].ref] == file["gpp"]
        with pytest.raises(KeyError):
            file["nee"]
        with pytest.raises((OSError, ValueError)):
            file.create_dataset("nee", data=np.ones(3))
