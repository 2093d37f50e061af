from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from core.errors import ExportError, ImportFileError
from core.jobs import Job, Progress, Written, finish
from core.whole_files import new_file, new_folder

as_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")


def test_a_file_gets_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("former")
    with new_file(path) as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".txt"
        assert path.read_text() == "former"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("former")
    with pytest.raises(ZeroDivisionError), new_file(path) as temporary:
        temporary.write_text(f"half{1 // 0}")
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("former")
    path.chmod(0o640)
    link.symlink_to(path)
    with new_file(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "is a folder: choose a file name in it"),
        ("none/a.txt", "there is no folder"),
        ("file/a.txt", "cannot be written"),
        ("a\0b", "cannot be written"),
        ("n" * 300, "cannot be written"),
    ],
)
def test_where_nothing_can_be_written_is_said_in_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=sentence), new_file(tmp_path / name) as temporary:
        temporary.write_text("new")
    with pytest.raises(ImportFileError), new_file(tmp_path / name, ImportFileError) as temporary:
        temporary.write_text("new")


def test_a_link_to_a_folder_that_is_not_there_names_that_folder(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "none" / "a.txt")
    with pytest.raises(ExportError, match=r"link\.txt cannot be written: there is no folder .*none,"), new_file(link):
        pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_folder_in_which_nothing_can_be_made_is_not_said_to_be_missing() -> None:
    sentence = r"^/proc/x cannot be written: nothing can be made in the folder /proc, so choose another place\.$"
    # Before anything is written, which a library might say in words of its own.
    with pytest.raises(ExportError, match=sentence), new_file(Path("/proc/x")):
        pytest.fail("it began")
    with pytest.raises(ExportError, match=sentence), new_folder(Path("/proc/x")):
        pass


@as_root
def test_a_file_or_folder_that_may_not_be_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("former")
    path.chmod(0o400)
    with pytest.raises(ExportError, match="no permission"), new_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "former"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path) -> None:
    """Such as /dev/null, which an administrator may write."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ExportError, match="pipe is not an ordinary file"), new_file(pipe) as temporary:
        temporary.write_text("new")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_folder_gets_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with new_folder(path) as temporary:
        (temporary / "a.txt").write_text("a")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b.txt").write_text("b")
        assert not path.exists()
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.txt")) == ["out/a.txt", "out/inner/b.txt"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_there_keeps_its_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("former")
    (tmp_path / "mine.txt").write_text("mine")
    with new_folder(tmp_path) as temporary:
        (temporary / "a.txt").write_text("new")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b.txt").write_text("b")
    assert {p.name: p.read_text() for p in tmp_path.rglob("*.txt")} == {
        "a.txt": "new",
        "mine.txt": "mine",
        "b.txt": "b",
    }


def test_an_error_leaves_the_former_folder_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "a.txt").write_text("former")
    with pytest.raises(ZeroDivisionError), new_folder(path) as temporary:
        (temporary / "a.txt").write_text(f"half{1 // 0}")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (path / "a.txt").read_text() == "former"


def write_all(folder: Path, *names: str) -> None:
    with new_folder(folder) as temporary:
        for name in names:
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text("new")


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ("c.txt/x", r"c\.txt is a folder, where a file is to go: rename it, or choose another place"),
        ("inner", r"inner is a file, where a folder is to go: rename it, or choose another place"),
    ],
)
def test_a_folder_in_which_one_file_cannot_be_is_left_as_it_was(tmp_path: Path, there: str, sentence: str) -> None:
    path = tmp_path / "out"
    (path / there).parent.mkdir(parents=True)
    (path / there).write_text("there")
    (path / "a.txt").write_text("former")
    before = sorted(path.rglob("*"))
    with pytest.raises(ExportError, match=sentence):
        write_all(path, "a.txt", "c.txt", "b/new.txt", "inner/d.txt")
    assert (path / "a.txt").read_text() == "former"
    assert sorted(path.rglob("*")) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_not_be_written_is_not_replaced_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("former")
    # As the system answers those who are not root.
    monkeypatch.setattr("core.whole_files._may_write", lambda file: file.name != "b.txt")
    with pytest.raises(ExportError, match=r"b\.txt cannot be written: you have no permission"):
        write_all(tmp_path, "a.txt", "b.txt")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "former", "b.txt": "former"}


def test_in_a_folder_too_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    path, mine = tmp_path / "out", tmp_path / "mine.txt"
    path.mkdir()
    for file in (mine, path / "a.txt"):
        file.write_text("former")
        file.chmod(0o640)
    (path / "link.txt").symlink_to(mine)
    write_all(path, "a.txt", "link.txt")
    assert (path / "link.txt").is_symlink()
    for file in (mine, path / "a.txt"):
        assert file.read_text() == "new"
        assert file.stat().st_mode & 0o777 == 0o640


def test_outdated_files_go_when_the_new_ones_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = re.compile(r"\d\.txt")
    for name in ("1.txt", "2.txt", "3.txt", "12.txt", "mine.txt"):
        (tmp_path / name).write_text("former")
    (tmp_path / "4.txt").symlink_to(tmp_path / "mine.txt")
    (tmp_path / "5.txt").mkdir()
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path, outdated=old) as temporary:
        (temporary / "1.txt").write_text(f"half{1 // 0}")
    assert (tmp_path / "2.txt").exists()
    monkeypatch.setattr("core.whole_files._may_write", lambda file: file.name != "3.txt")
    with new_folder(tmp_path, outdated=old) as temporary:
        (temporary / "1.txt").write_text("new")
    names = ["1.txt", "12.txt", "3.txt", "4.txt", "5.txt", "mine.txt"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert (tmp_path / "1.txt").read_text() == "new"


@pytest.mark.parametrize(("name", "sentence"), [("file", "is a file: choose a folder"), ("none/out", "no folder")])
def test_where_no_folder_can_be_written_is_said_in_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=sentence), new_folder(tmp_path / name):
        pass


def job(path: Path) -> Job:
    with new_file(path) as temporary:
        for done in range(3):
            yield Progress(done, 3, "Writing")
            temporary.write_text(str(done))
    return Written((path,), ("Done.",))


def test_a_job_says_how_far_it_is_and_gives_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert [progress.done for progress in job(path)] == [0, 1, 2]
    assert finish(job(path)) == Written((path,), ("Done.",))
    assert path.read_text() == "2"


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_job_that_is_stopped_leaves_nothing(tmp_path: Path, steps: int) -> None:
    running = job(tmp_path / "a.txt")
    for _ in range(steps):
        next(running)
    running.close()
    assert list(tmp_path.iterdir()) == []
