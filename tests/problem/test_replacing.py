"""Files appear whole or not at all, and what is no file stays what it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from beadsmith.problem.replacing import replacing


def written(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text)


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "answer.json"
    written(path, "old")
    with replacing(path) as partial:
        partial.write_text("ne")
        assert path.read_text() == "old"
        partial.write_text("new")
    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["answer.json"]


def test_what_fails_half_way_leaves_nothing(tmp_path):
    path = tmp_path / "answer.json"
    written(path, "old")
    with pytest.raises(TypeError), replacing(path) as partial, partial.open("w") as file:
        file.writelines(["half of it", None])
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["answer.json"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(Path("elsewhere") / "answer.json")
    for text in ("first", "second"):  # there is nothing behind it at first
        written(link, text)
        assert link.is_symlink()
        assert (tmp_path / "elsewhere" / "answer.json").read_text() == text


def test_a_pipe_stays_a_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    written(pipe, "through")
    reader.join(10)
    assert read == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("path", ["nowhere/answer.json", "folder"])
def test_errors_are_of_the_path_that_was_asked_for(tmp_path, path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory") as caught:
        written(tmp_path / path, "text")
    assert caught.value.filename == str(tmp_path / path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux that is always full")
def test_a_device_is_written_to(tmp_path):
    with pytest.raises(OSError, match="No space left"):
        written(Path("/dev/full"), "text")
    written(Path(os.devnull), "text")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
