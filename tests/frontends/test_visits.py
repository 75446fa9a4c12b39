"""Folders of visitors: kept apart, found by key, gone after the visit."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from core.errors import InputError
from frontends.visits import Visit, Visits, size_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def removed() -> list[Visit]:
    return []


@pytest.fixture
def visits(tmp_path: Path, clock: Clock, removed: list[Visit]) -> Visits:
    return Visits(
        tmp_path / "visits", grace_s=600, age_max_s=86_400, clock=clock, removed=removed.append
    )


def test_a_session_keeps_its_folder_and_shares_it_with_nobody(visits):
    one, other = visits.enter("a"), visits.enter("b")
    assert visits.enter("a") is one
    assert visits.get(one.key) is one
    assert one.folder != other.folder
    assert one.folder.is_dir()
    assert len(one.key) >= 24


@pytest.mark.parametrize("key", ["", "..", "../b", None, 3, "a"])
def test_a_wrong_key_opens_nothing(key, visits):
    visits.enter("a")
    with pytest.raises(InputError, match="has ended"):
        visits.get(key)


def test_a_short_break_loses_nothing_and_a_long_one_everything(visits, clock, removed):
    visit = visits.enter("a")
    (visit.folder / "cutouts").mkdir()
    visits.leave("a")
    clock.now_s += 599
    visits.sweep()
    assert visits.get(visit.key) is visit  # came back, so nothing is pending any more
    clock.now_s += 700
    visits.sweep()
    assert visit.folder.is_dir()
    visits.leave("a")
    clock.now_s += 601
    visits.sweep()
    assert removed == [visit]
    assert not visit.folder.exists()
    with pytest.raises(InputError):
        visits.get(visit.key)
    assert visits.enter("a").key != visit.key


def test_a_folder_without_any_call_goes_after_a_day(visits, clock):
    visit = visits.enter("a")
    clock.now_s += 86_401
    fresh = visits.enter("b")
    visits.sweep()
    assert not visit.folder.exists()
    assert fresh.folder.is_dir()


def test_folders_of_an_earlier_process_go_after_a_day(visits, clock, tmp_path):
    for name, age_s in (("old", 90_000), ("new", 100)):
        (tmp_path / "visits" / name).mkdir(parents=True)
        os.utime(tmp_path / "visits" / name, (clock.now_s - age_s,) * 2)
    visits.sweep()
    assert [path.name for path in (tmp_path / "visits").iterdir()] == ["new"]


def test_processes_that_share_a_root_leave_each_other_their_visits(tmp_path, clock):
    one, other = Visits(tmp_path, clock=clock), Visits(tmp_path, clock=clock)
    visit = one.enter("a")
    for _ in range(3):
        clock.now_s += 80_000
        assert one.get(visit.key) is visit
        one.sweep()
        other.sweep()
        assert visit.folder.is_dir()
    clock.now_s += 86_401  # the first process was ended
    other.sweep()
    assert not visit.folder.exists()


def test_a_visit_that_is_worked_for_stays_until_the_work_is_over(tmp_path, clock, removed):
    working = {"yes"}
    visits = Visits(tmp_path, clock=clock, busy=lambda visit: bool(working), removed=removed.append)
    visit = visits.enter("a")
    visits.leave("a")
    clock.now_s += 100_000
    visits.sweep()
    assert visit.folder.is_dir()
    assert visits.knows(visit)
    assert removed == []
    working.clear()
    visits.sweep()
    assert not visit.folder.exists()
    assert not visits.knows(visit)
    assert removed == [visit]


def test_nobody_waits_for_the_end_of_another_visit(tmp_path, clock):
    let_go, gone = threading.Event(), threading.Event()

    def remove(visit: Visit) -> None:
        gone.set()
        let_go.wait(20)

    visits = Visits(tmp_path, sweep_s=0.01, clock=clock, removed=remove)
    old = visits.enter("a")
    clock.now_s += 86_401
    assert gone.wait(20)  # swept without any call
    began = time.monotonic()
    fresh = visits.enter("b")
    assert time.monotonic() - began < 5
    let_go.set()
    end = time.monotonic() + 20
    while old.folder.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not old.folder.exists()
    assert fresh.folder.is_dir()


def test_where_the_work_lies_elsewhere_a_visit_goes_on_after_its_time(tmp_path, clock):
    """A computer slept for a night: the next edit is not lost."""
    visits = Visits(tmp_path / "visits", clock=clock, returning=True)
    visit = visits.enter("a")
    clock.now_s += 86_401
    visits.sweep()
    assert not visit.folder.exists()
    again = visits.get(visit.key)
    assert (again.key, again.folder.is_dir()) == (visit.key, True)
    assert visits.get(visit.key) is again
    for wrong in ("..", "../" + "a" * 21, "a" * 23, "a/" + "b" * 22, None):
        with pytest.raises(InputError, match="has ended"):
            visits.get(wrong)


def test_the_size_of_folders_counts_every_file_once(tmp_path):
    for name in ("a/deep", "b", "c"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "deep" / "file").write_bytes(b"x" * 1234)
    os.link(tmp_path / "a" / "deep" / "file", tmp_path / "b" / "again")
    (tmp_path / "b" / "other").write_bytes(b"x" * 10)
    (tmp_path / "c" / "else").write_bytes(b"x" * 500)
    assert size_of(tmp_path / "a", tmp_path / "b", tmp_path / "gone") == 1244


def test_folders_that_go_while_they_are_counted_are_no_error(tmp_path, monkeypatch):
    folders = {tmp_path / "a", tmp_path / "b"}
    for folder in folders:
        folder.mkdir()
        (folder / "file").write_bytes(b"x" * 100)
    lstat = Path.lstat

    def other_goes(path: Path) -> os.stat_result:
        for other in folders - {path.parent}:
            shutil.rmtree(other, ignore_errors=True)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", other_goes)
    assert size_of(tmp_path) == 100


def test_leaving_without_having_come_is_nothing(visits):
    visits.leave("nobody")
