"""Files and folders that are written whole, by several at a time and past killed writers."""

import os
import time

import pytest

from bayes_tbm.runtime import files
from bayes_tbm.runtime.files import partial, remove_folder, replace_folder, write_whole


def test_of_two_writers_of_one_file_both_succeed_and_the_last_one_stays(tmp_path, monkeypatch):
    path, sync = tmp_path / "manifest.csv", os.fsync

    def meanwhile(descriptor):
        monkeypatch.setattr(files.os, "fsync", sync)
        write_whole(path, "of the other, which is longer")
        sync(descriptor)

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    write_whole(path, "mine")
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_killed_writer_left_is_hidden_and_goes_a_day_later(tmp_path, is_folder):
    path = tmp_path / ("draws.zarr" if is_folder else "summary.csv")
    old, new, others = partial(path), partial(path), partial(tmp_path / "others.csv")
    for left in (old, new, others):
        assert left.name.startswith(".")
        left.mkdir() if is_folder else left.write_text("torn")
    for left in (old, others):
        then = time.time() - 2 * 86_400
        os.utime(left, (then, then))
    remove_folder(path) if is_folder else write_whole(path, "whole")
    assert (old.exists(), new.exists(), others.exists()) == (False, True, True)


def test_of_two_writers_of_one_folder_the_last_one_stays(tmp_path):
    path = tmp_path / "draws.zarr"
    written = [partial(path), partial(path)]
    for number, folder in enumerate(written):
        folder.mkdir()
        (folder / str(number)).write_text("")
    for number, folder in enumerate(written):
        replace_folder(folder, path)
        assert os.listdir(path) == [str(number)]
    assert os.listdir(tmp_path) == [path.name]


def test_a_name_as_long_as_a_name_can_be_is_written(tmp_path):
    assert write_whole(tmp_path / ("å" * 120 + ".csv"), "whole").read_text() == "whole"
