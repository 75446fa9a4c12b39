"""A project: one folder with `project.sqlite` and the pictures by content hash.

Every change is one durable transaction; edits of people are kept in a journal and can be undone.
Safe to use from several threads, and from several processes at once. Not here: how pictures come
in (``project.intake``), what models propose (``project.prelabel``), what goes out
(``project.export``).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from core.errors import DataError, InputError
from project.database import Database
from project.editing import Changes, checked_person
from project.intake_rows import Added, Label, Looks, add_image
from project.journal import answered, begin_edit, changes_since, drop_redo, reverse
from project.pictures import Picture, keep_file
from project.proposals import Proposal, add_proposals, replace_proposals
from project.reader import DATABASE_NAME, IMAGES_NAME, Reader
from project.renaming import rename_class
from project.rows import (
    Giving,
    adopt_rows,
    boxes_of,
    class_id_of,
    find_image,
    give_captions,
    image_row,
    refresh_image,
    tidy_class_name,
    tidy_project_name,
    write_setting,
)
from project.trimming import TRIM_EVERY, trim
from project.types import (
    IMAGE_STATES,
    Applied,
    Asked,
    ConflictError,
    Edit,
    ImageRow,
    ImageState,
    Score,
)

__all__ = ["DATABASE_NAME", "Project"]


class Project(Reader):
    """An open project; see `Project.create` and `Project.open`."""

    def __init__(
        self, folder: Path, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(folder, database, clock)
        self._looks = Looks()

    @classmethod
    def create(
        cls,
        folder: str | Path,
        name: str,
        *,
        class_names: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Return a new, empty project.

        Args:
            folder: Made if missing; must hold no project.
            name: Shown to people.
            class_names: In the order of every export; "object" where there is none.
            clock: Seconds since 1970.

        Raises:
            InputError: There is a project already, or it or a class has an unusable name.
            DataError: The folder cannot be written to.
        """
        # Before there is anything: what is refused leaves no half of a project.
        name, classes = tidy_project_name(name), [tidy_class_name(one) for one in class_names]
        folder = Path(folder)
        path = folder / DATABASE_NAME
        if path.exists():
            raise InputError(f"{folder} holds a project already.", "Open it, or choose another.")
        try:
            (folder / IMAGES_NAME).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"cannot make {folder}: {error.strerror or error}.", "Choose another folder."
            ) from error
        project = cls(folder, Database(path, create=True), clock)
        with project._database.write() as connection:
            write_setting(connection, "name", name)
            for class_name in classes or ("object",):
                class_id_of(connection, class_name)
        return project

    @classmethod
    def open(cls, folder: str | Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Return the project in a folder, brought up to date if an older version made it.

        Raises:
            DataError: There is none, or it is damaged or of a newer version.
        """
        return cls(Path(folder), Database(Path(folder) / DATABASE_NAME), clock)

    # ------------------------------------------------------------ editing

    def rename(self, name: str) -> None:
        """Give the project another name; its folder stays.

        Raises:
            InputError: The name is empty or too long.
        """
        self.set_setting("name", tidy_project_name(name))

    def set_setting(self, key: str, value: object) -> None:
        """Keep something under a name; plain JSON types."""
        self.set_settings({key: value})

    def set_settings(self, values: Mapping[str, object]) -> None:
        """Keep several things under their names, all or none; plain JSON types."""
        with self._database.write() as connection:
            for key, value in values.items():
                write_setting(connection, key, value)

    def rename_class(self, name: str, to: str, *, merge: bool = False) -> None:
        """Give a class another name; see `project.renaming.rename_class`."""
        with self._database.write() as connection:
            rename_class(connection, name, to, merge=merge)

    def apply(
        self,
        image_id: int,
        edits: Sequence[Edit],
        *,
        who: str,
        version: int,
        state: ImageState | None = None,
        token: str = "",
    ) -> Applied:
        """Apply edits of a person to one image, all of them or none, in one durable transaction.

        Args:
            image_id: The image.
            edits: In order.
            who: The person's name.
            version: The version of the image that they were made on.
            state: What the image shall be afterwards; None: as before.
            token: Names this wish for good: sent again, it is not applied again but answered as
                before. Empty: it is not known again.

        Raises:
            ConflictError: The image was changed since; nothing was applied.
            InputError: An edit cannot be applied; nothing was.
        """
        who = checked_person(who)
        if state is not None and state not in IMAGE_STATES:
            raise InputError(f"state must be one of {', '.join(IMAGE_STATES)}, got {state!r}.")
        at = self._clock()
        with self._database.write() as connection:
            if (before := answered(connection, image_id, token)) is not None:
                return before
            image = self._current(connection, image_id, version)
            edit_id = begin_edit(
                connection, image, who=who, kind="edit", at=at, state=state, token=token
            )
            changes = Changes(connection, image, edit_id, who, at)
            for edit in edits:
                changes.apply(edit)
            if not changes.any and (state is None or state == image["state"]):
                connection.execute("DELETE FROM edit WHERE id = ?", (edit_id,))
                edit_id = 0
            else:
                drop_redo(connection, image_id, who)
            return self._finish(connection, image, changes, edit_id, state, at)

    def undo(
        self, image_id: int, who: str, *, version: int | None = None, token: str = ""
    ) -> Applied:
        """Take back the last edit of a person in an image.

        Args:
            image_id: The image.
            who: The person's name.
            version: The version of the image that the person saw; None: whatever it is.
            token: See `apply`.

        Raises:
            InputError: There is none.
            ConflictError: The image was changed since that version, or somebody else changed one
                of the edit's boxes.
        """
        return self._reverse(image_id, who, version, token, redo=False)

    def redo(
        self, image_id: int, who: str, *, version: int | None = None, token: str = ""
    ) -> Applied:
        """Do again what a person took back last in an image; see `undo`."""
        return self._reverse(image_id, who, version, token, redo=True)

    def _reverse(
        self, image_id: int, who: str, version: int | None, token: str, *, redo: bool
    ) -> Applied:
        at = self._clock()
        with self._database.write() as connection:
            if (before := answered(connection, image_id, token)) is not None:
                return before
            image = (
                find_image(connection, image_id)
                if version is None
                else self._current(connection, image_id, version)
            )
            changes, edit_id, state = reverse(
                connection, image, checked_person(who), at, redo=redo, token=token
            )
            return self._finish(connection, image, changes, edit_id, state, at)

    def _current(self, connection: sqlite3.Connection, image_id: int, version: int) -> sqlite3.Row:
        image = find_image(connection, image_id)
        if image["version"] != version:
            changes = changes_since(connection, image_id, version)
            done = "; ".join(dict.fromkeys(entry.sentence() for entry in changes)) or "its state"
            raise ConflictError(
                f"the picture {image['name']} was changed since version {version} "
                f"(now {image['version']}): {done}.",
                "Load it again and repeat the edit.",
                version=image["version"],
                changes=changes,
            )
        return image

    def _finish(
        self,
        connection: sqlite3.Connection,
        image: sqlite3.Row,
        changes: Changes,
        edit_id: int,
        state: str | None,
        at: float,
    ) -> Applied:
        image_id = image["id"]
        if edit_id:
            connection.execute(
                "UPDATE image SET version = version + 1, state = ? WHERE id = ?",
                (state or image["state"], image_id),
            )
            if image["version"] % TRIM_EVERY == 0:
                trim(connection, image_id)
        boxes = boxes_of(connection, image_id)
        if edit_id:
            refresh_image(connection, image_id, at, boxes)
        by_id = {box.id: box for box in boxes}
        changed = tuple(by_id[number] for number in changes.touched if number in by_id)
        row = image_row(find_image(connection, image_id))
        return Applied(row, changed, tuple(changes.deleted), edit_id, tuple(changes.added))

    # ------------------------------------------------------------ models

    def set_scores(self, image_id: int, scores: Sequence[Score], version: int) -> bool:
        """Keep what a model thinks of boxes as they are.

        False if the image was changed or removed meanwhile; then nothing is kept.
        """
        at = self._clock()
        with self._database.write() as connection:
            image = find_image(connection, image_id, or_removed=True)
            if image["removed"] or image["version"] != version:
                return False
            for s in scores:
                connection.execute(
                    "UPDATE box SET logit = ?, probability = ?, margin = ? "
                    "WHERE id = ? AND image_id = ?",
                    (s.logit, s.probability, s.margin, s.box_id, image_id),
                )
            refresh_image(connection, image_id, at)
        return True

    def propose(
        self,
        image_id: int,
        proposals: Sequence[Proposal],
        *,
        source: str,
        key: str,
        asked: Sequence[Asked] = (),
    ) -> ImageRow:
        """Replace the untouched proposals of an image by new ones; what people did stays.

        An image that a person finished or removed while the model looked is left as it is.

        Args:
            image_id: The image.
            proposals: New boxes; those on a box that stays are left out.
            source: Name of the model, as in `BoxRow.source`.
            key: What was asked of which model; the same key is not asked again.
            asked: Captions that were looked for; what a person said about one stays.
        """
        at = self._clock()
        with self._database.write() as connection:
            image = find_image(connection, image_id, or_removed=True)
            if image["removed"] or image["state"] == "done":
                return image_row(image)
            replace_proposals(connection, image, proposals, source=source, at=at, asked=asked)
            connection.execute(
                "UPDATE image SET prelabel_key = ?, error = '' WHERE id = ?", (key, image_id)
            )
            refresh_image(connection, image_id, at)
            return image_row(find_image(connection, image_id))

    def propose_more(self, image_id: int, proposals: Sequence[Proposal], *, source: str) -> int:
        """Add proposals that lie on no box yet, while there is room; return how many."""
        at = self._clock()
        with self._database.write() as connection:
            image = find_image(connection, image_id)
            count = add_proposals(connection, image, proposals, source=source, at=at)
            refresh_image(connection, image_id, at)
        return count

    def note_error(self, image_id: int, error: str) -> None:
        """Keep why a model could not look at an image; the next proposal removes it."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE image SET error = ? WHERE id = ? AND state != 'done'", (error, image_id)
            )

    # ------------------------------------------------------------ pictures

    def add(self, picture: Picture, name: str) -> tuple[int, bool]:
        """Return the id of a picture's image, and whether it is new; see `add_labelled`."""
        added = self.add_labelled(picture, name, Label())
        return added.image_id, added.is_new

    def add_labelled(self, picture: Picture, name: str, label: Label) -> Added:
        """Return what became of a picture that comes in with what is known of it.

        A picture that is there already is not added twice; if it was removed it comes back. Labels
        take the place of proposals; where people have decided about the image they are left out.

        Args:
            picture: The picture.
            name: Wished name; made unique.
            label: Its boxes and origin, vouched for.

        Raises:
            InputError: A box is not inside the image.
            DataError: The file cannot be written.
        """
        # The file first: a row always has its file, whatever happens in between.
        keep_file(self._place(picture.sha256, picture.suffix), picture.data)
        at = self._clock()
        with self._database.write() as connection:
            twin_id = self._looks.find_twin(connection, picture.look, picture.detail)
            added = add_image(connection, picture, name, label, twin_id=twin_id, at=at)
            giving = give_captions(connection, added.image_id, label.captions)
            refresh_image(connection, added.image_id, at)
        return replace(added, captions=giving)

    def give_captions(
        self, told: Mapping[int, Sequence[str]], *, replace: bool = True
    ) -> dict[int, Giving]:
        """Keep what images are known to show, for `Question.given`; see `rows.give_captions`."""
        with self._database.write() as connection:
            return {
                number: give_captions(connection, number, told[number], replace=replace)
                for number in told
            }

    def adopt_rows(self, folder: Path, *, without: Sequence[str] = ()) -> None:
        """Take over all rows of the project in a folder; see `project.adopting` for the pictures.

        Raises:
            InputError: There are images here already.
            DataError: Its rows contradict each other.
        """
        with self._database.write(beside=folder / DATABASE_NAME) as connection:
            adopt_rows(connection, without)

    def remove_images(self, image_ids: Sequence[int]) -> int:
        """Take images out of the project; return how many. `restore_images` brings them back."""
        return self._set_removed(image_ids, 1)

    def restore_images(self, image_ids: Sequence[int]) -> int:
        """Bring removed images back with all their boxes; return how many."""
        return self._set_removed(image_ids, 0)

    def _set_removed(self, image_ids: Sequence[int], removed: int) -> int:
        at = self._clock()
        with self._database.write() as connection:
            return connection.executemany(
                "UPDATE image SET removed = ?, updated_at = ?, version = version + 1 "
                "WHERE id = ? AND removed != ?",
                [(removed, at, image_id, removed) for image_id in image_ids],
            ).rowcount
