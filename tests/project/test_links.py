"""Links among the pictures of a folder: taken where its owner imports it, else told."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from core.errors import DataError, InputError
from frontends.cli import main
from project.intake import import_path
from project.store import Project
from tests.project.pictures import picture_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture, two links to others as a snapshot of the Hub has them, and a link to a folder."""
    folder, blobs = tmp_path / "snapshot", tmp_path / "blobs"
    for place in (folder / "more", blobs / "deep"):
        place.mkdir(parents=True)
    (folder / "a.png").write_bytes(picture_bytes(0))
    for number, name in enumerate(("b.png", "more/c.png"), start=1):
        (blobs / f"{number}").write_bytes(picture_bytes(number))
        (folder / name).symlink_to(blobs / f"{number}")
    (blobs / "deep" / "d.png").write_bytes(picture_bytes(3))
    return folder


def links_told(findings):
    return [(f.level, f.where, f.what) for f in findings if f.kind == "left-out-link"]


def test_links_to_pictures_come_in_from_a_folder_of_ones_own(
    project: Project, folder: Path
) -> None:
    taken = import_path(project, folder, links=True)
    assert (taken.added, taken.findings) == (3, ())
    assert [image.name for image in project.images("name")] == ["a", "b", "c"]


def test_links_that_lead_nowhere_and_to_folders_are_told(project: Project, folder: Path) -> None:
    (folder / "gone.png").symlink_to(folder / "missing")
    (folder / "others").symlink_to(folder.parent / "blobs" / "deep")
    (folder / ".hidden").symlink_to(folder.parent / "blobs" / "deep")
    taken = import_path(project, folder, links=True)
    assert (taken.added, taken.failed) == (3, 1)
    assert links_told(taken.findings) == [("warning", "others", "a link to a folder, left out.")]


def test_where_links_are_not_wished_each_is_told(project: Project, folder: Path) -> None:
    taken = import_path(project, folder)
    assert taken.added == 1
    assert links_told(taken.findings) == [("warning", "b.png, more/c.png", "links, left out.")]
    for number in range(6):
        (folder / f"{number}.png").symlink_to(folder / "a.png")
    [(_, where, what)] = links_told(import_path(project, folder).findings)
    assert (where, what) == ("8 links", "links, such as 0.png, left out.")


def test_a_folder_of_links_alone_says_so(project: Project, folder: Path) -> None:
    (folder / "a.png").unlink()
    with pytest.raises(DataError, match=r"no pictures in .*b\.png, more/c\.png: links, left out"):
        import_path(project, folder)
    assert import_path(project, folder, links=True).added == 2


def test_links_in_zip_files_are_refused(project: Project, folder: Path) -> None:
    path = folder.parent / "sent.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "a.png", "a.png")
        link = zipfile.ZipInfo("b.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(folder.parent / "blobs" / "1"))
    with pytest.raises(InputError, match="is a link or a device"):
        import_path(project, path, links=True)


def test_the_command_line_takes_them(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "others").symlink_to(folder.parent / "blobs" / "deep")
    main(["project", "create", str(tmp_path / "mine")])
    assert main(["project", "import", str(tmp_path / "mine"), str(folder)]) == 0
    told = capsys.readouterr()
    assert "3 pictures added." in told.out
    assert "warning: others: a link to a folder, left out." in told.err
