"""Reading a project: images, boxes, captions, history, progress. Changes nothing."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

from core.errors import DataError
from project import listing
from project.database import Database
from project.journal import history_of
from project.pictures import SUFFIXES
from project.renaming import ClassCount, count_classes
from project.rows import (
    BOX_QUERY,
    box_row,
    boxes_of,
    captions_in,
    find_image,
    image_row,
    read_setting,
)
from project.types import (
    MODEL,
    Asked,
    BoxRow,
    HistoryEntry,
    ImageRow,
    ImageState,
    Order,
    Progress,
)

__all__ = ["DATABASE_NAME", "IMAGES_NAME", "Reader"]

DATABASE_NAME = "project.sqlite"
IMAGES_NAME = "images"
_CHUNK = 500
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Reader:
    """An open project, as far as it is read; see `project.store.Project`.

    Args:
        folder: Its folder.
        database: Its opened file.
        clock: Seconds since 1970.
    """

    def __init__(
        self, folder: Path, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self._database = database
        self._clock = clock

    def close(self) -> None:
        """Close the project; it must not be used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Name shown to people."""
        return str(self.setting("name", self.folder.name))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of every export."""
        with self._database.read() as connection:
            return tuple(
                r["name"] for r in connection.execute("SELECT name FROM class ORDER BY id")
            )

    def count_classes(self) -> list[ClassCount]:
        """Return all classes with their boxes, in the order of every export."""
        with self._database.read() as connection:
            return count_classes(connection)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return what was kept under a name, plain JSON types; else the default."""
        with self._database.read() as connection:
            return read_setting(connection, key, default)

    def problems(self) -> list[str]:
        """Return what is wrong with the project's files; empty when all is well."""
        found = self._database.problems()
        with self._database.read() as connection:
            rows = connection.execute("SELECT sha256, suffix, name FROM image").fetchall()
        for row in rows:
            try:
                missing = not self._file(row).is_file()
            except DataError:
                missing = True
            if missing:
                found.append(f"the file of picture {row['name']} is missing")
        return found

    # ------------------------------------------------------------ reading

    def images(
        self,
        order: Order = "queue",
        state: ImageState | None = None,
        offset: int = 0,
        limit: int = 100,
        *,
        wished: listing.Filter | None = None,
    ) -> list[ImageRow]:
        """Return a page of images.

        Args:
            order: "queue": what waits for a person first, most doubtful first; "added", "name", or
                "updated": latest first.
            state: Only those of one state.
            offset: How many to pass over.
            limit: At most this many, up to 1000.
            wished: More conditions, instead of `state`.

        Raises:
            InputError: There is no such order or state, or the page is no page.
        """
        with self._database.read() as connection:
            found = wished or listing.Filter(state=state)
            return listing.list_images(connection, found, order, offset, limit)

    def states(
        self,
        order: Order = "queue",
        state: ImageState | None = None,
        *,
        wished: listing.Filter | None = None,
    ) -> list[tuple[int, ImageState]]:
        """Return id and state of all images, or of those that are wished; see `images`."""
        with self._database.read() as connection:
            found = wished or listing.Filter(state=state)
            return listing.list_states(connection, found, order)

    def count(
        self, state: ImageState | None = None, *, wished: listing.Filter | None = None
    ) -> int:
        """Return how many images there are of a state, or by other conditions."""
        with self._database.read() as connection:
            return listing.count_images(connection, wished or listing.Filter(state=state))

    def walk(self, state: ImageState | None = None) -> Iterator[ImageRow]:
        """Yield all images as they were added, a few hundred in memory at a time."""
        for images in self._chunks(state):
            yield from images

    def walk_boxes(
        self, state: ImageState | None = None
    ) -> Iterator[tuple[ImageRow, list[BoxRow]]]:
        """Yield all images as they were added, with their boxes, a few hundred at a time."""
        for images in self._chunks(state):
            found: dict[int, list[BoxRow]] = {image.id: [] for image in images}
            with self._database.read() as connection:
                query = f"{BOX_QUERY} WHERE box.removed = 0 AND box.image_id BETWEEN ? AND ?"
                ends = images[0].id, images[-1].id
                for row in connection.execute(f"{query} ORDER BY box.id", ends):
                    if row["image_id"] in found:
                        found[row["image_id"]].append(box_row(row))
            yield from ((image, found[image.id]) for image in images)

    def _chunks(self, state: ImageState | None) -> Iterator[list[ImageRow]]:
        last = 0
        while True:
            with self._database.read() as connection:
                where, values = listing.Filter(state=state).where()
                rows = connection.execute(
                    f"SELECT * FROM image WHERE {where} AND id > ? ORDER BY id LIMIT ?",
                    (*values, last, _CHUNK),
                ).fetchall()
            if not rows:
                return
            yield [image_row(row) for row in rows]
            last = rows[-1]["id"]

    def removed(self) -> list[ImageRow]:
        """Return the images that were taken out of the project, the last one first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM image WHERE removed = 1 ORDER BY updated_at DESC, id"
            ).fetchall()
        return [image_row(row) for row in rows]

    def files(self) -> list[tuple[str, Path]]:
        """Return name and file of all images, also of those that were taken out.

        Raises:
            DataError: A row names no file of a project.
        """
        with self._database.read() as connection:
            rows = connection.execute("SELECT sha256, suffix, name FROM image ORDER BY id")
            return [(row["name"], self._file(row)) for row in rows]

    def suffixes(self) -> dict[str, str]:
        """Return the file endings of all images by name, also of those that were taken out."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, suffix FROM image")
            return {row["name"]: row["suffix"] for row in rows}

    def image(self, image_id: int) -> ImageRow:
        """Return one image, also one that was taken out.

        Raises:
            DataError: There is none.
        """
        with self._database.read() as connection:
            return image_row(find_image(connection, image_id, or_removed=True))

    def find(self, sha256: str, *, or_removed: bool = False) -> ImageRow | None:
        """Return the image of a picture by its hash (the stem of its `path`), or None."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM image WHERE sha256 = ? AND removed <= ?", (sha256, int(or_removed))
            ).fetchone()
        return None if row is None else image_row(row)

    def boxes(self, image_id: int) -> list[BoxRow]:
        """Return the boxes of an image, oldest first, without the deleted ones."""
        with self._database.read() as connection:
            return boxes_of(connection, image_id)

    def box(self, box_id: int) -> BoxRow:
        """Return one box.

        Raises:
            DataError: There is none, or it was deleted.
        """
        with self._database.read() as connection:
            query = f"{BOX_QUERY} WHERE box.id = ? AND box.removed = 0"
            row = connection.execute(query, (box_id,)).fetchone()
        if row is None:
            raise DataError(f"the project has no box {box_id}.", "It may have been deleted.")
        return box_row(row)

    def asked(self, image_id: int) -> list[Asked]:
        """Return the captions that were looked for in an image, and whether they are there."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM asked WHERE image_id = ? ORDER BY caption", (image_id,)
            ).fetchall()
        return [
            Asked(r["caption"], bool(r["found"]), r["probability"], bool(r["confirmed"]))
            for r in rows
        ]

    def waiting_for(self, key: Callable[[tuple[str, ...]], str]) -> list[int]:
        """Return the ids of images that no person is done with and that were not asked this.

        Those that no model could look at are among them: the cause may be gone.

        Args:
            key: Names what is asked of an image that these captions were given with.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, captions, prelabel_key, error FROM image "
                "WHERE removed = 0 AND state != 'done' ORDER BY id"
            )
            keyed = cache(lambda text: key(captions_in(text)))
            return [
                row["id"]
                for row in rows
                if row["error"] or row["prelabel_key"] != keyed(row["captions"])
            ]

    def count_given(self) -> int:
        """Return the number of images that captions were given with."""
        with self._database.read() as connection:
            query = "SELECT count(*) FROM image WHERE removed = 0 AND captions != '[]'"
            return int(connection.execute(query).fetchone()[0])

    def count_untouched(self) -> int:
        """Return the number of proposals that another look may replace, see `BoxRow`."""
        with self._database.read() as connection:
            query = (
                "SELECT count(*) FROM box JOIN image ON image.id = box.image_id "
                "WHERE box.removed = 0 AND box.state = 'proposed' AND substr(box.source, 1, ?) = ? "
                "AND image.removed = 0 AND image.state != 'done'"
            )
            return int(connection.execute(query, (len(MODEL), MODEL)).fetchone()[0])

    def path(self, image_id: int) -> Path:
        """Return where the picture of an image lies; it must not be changed.

        Raises:
            DataError: There is no such image, or its row names no file of a project.
        """
        with self._database.read() as connection:
            return self._file(find_image(connection, image_id, or_removed=True))

    def history(self, box_id: int) -> list[HistoryEntry]:
        """Return all that happened to a box, oldest first."""
        with self._database.read() as connection:
            return history_of(connection, box_id)

    def progress(self) -> Progress:
        """Return how far the project is, and how fast people went lately."""
        with self._database.read() as connection:
            return listing.measure_progress(connection, self._clock())

    def _file(self, row: sqlite3.Row) -> Path:
        return self._place(row["sha256"], row["suffix"])

    def _place(self, sha256: str, suffix: str) -> Path:
        # Rows may come from anybody's file, and nothing in them may lead elsewhere.
        if not _SHA256.fullmatch(str(sha256)) or suffix not in SUFFIXES:
            raise DataError(
                f"{sha256!r} with {suffix!r} is no file of a project.", "The project is damaged."
            )
        return self.folder / IMAGES_NAME / sha256[:2] / f"{sha256}{suffix}"
