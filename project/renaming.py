"""The classes of a project as a table: how many boxes each has, another name, two made one.

In: an open connection, within a transaction where something is changed. A new name also holds in
the journal, so that what is undone later does not bring the old one back.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from core.errors import InputError
from project.rows import read_setting, tidy_class_name, write_setting
from project.vocabulary import SETTING as VOCABULARY

__all__ = ["ClassCount", "ClassTakenError", "count_classes", "rename_class"]


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class and its boxes in the images of the project; rejected ones do not count.

    Args:
        name: Its name.
        confirmed: Boxes that a person agreed to or drew.
        proposed: Boxes that wait.
    """

    name: str
    confirmed: int
    proposed: int


class ClassTakenError(InputError):
    """There is a class of the wished name already; to make both one must be asked for."""


def count_classes(connection: sqlite3.Connection) -> list[ClassCount]:
    """Return all classes in the order of every export."""
    rows = connection.execute(
        "SELECT class.name, coalesce(sum(box.state = 'confirmed'), 0) AS confirmed, "
        "coalesce(sum(box.state = 'proposed'), 0) AS proposed FROM class "
        "LEFT JOIN box ON box.class_id = class.id AND box.removed = 0 "
        "AND box.image_id IN (SELECT id FROM image WHERE removed = 0) "
        "GROUP BY class.id ORDER BY class.id"
    )
    return [ClassCount(row["name"], row["confirmed"], row["proposed"]) for row in rows]


def rename_class(
    connection: sqlite3.Connection, name: str, to: str, *, merge: bool = False
) -> None:
    """Give a class another name, in all boxes and in their history.

    Args:
        connection: Within a transaction.
        name: The class.
        to: Its new name; spaces are tidied.
        merge: Whether it may become one with a class that has that name already.

    Raises:
        InputError: There is no such class, or the new name is empty or too long.
        ClassTakenError: Another class has the new name, and `merge` was not wished.
    """
    old = _find(connection, name)
    if old is None:
        raise InputError(f"there is no class '{name}'.", "It may have been renamed meanwhile.")
    to = tidy_class_name(to)
    if not to:
        raise InputError("the class has no name.", "Give it one.")
    if to == name:
        return
    other = _find(connection, to)
    if other is not None and not merge:
        raise ClassTakenError(
            f"there is a class '{to}' already.", "Make both one, or choose another name."
        )
    # What others have open shows the old name: their next edit tells them, as after any change.
    connection.execute(
        "UPDATE image SET version = version + 1 "
        "WHERE id IN (SELECT image_id FROM box WHERE class_id = ?)",
        (old,),
    )
    if other is None:
        connection.execute("UPDATE class SET name = ? WHERE id = ?", (to, old))
    else:
        connection.execute("UPDATE box SET class_id = ? WHERE class_id = ?", (other, old))
        connection.execute("DELETE FROM class WHERE id = ?", (old,))
    _rename_in_vocabulary(connection, name, to)
    for column in ("before", "after"):
        connection.execute(
            f"UPDATE change SET {column} = json_set({column}, '$.class_name', ?) "
            f"WHERE json_extract({column}, '$.class_name') = ?",
            (to, name),
        )


def _rename_in_vocabulary(connection: sqlite3.Connection, name: str, to: str) -> None:
    """Ask models for the new name from now on: what they propose by the old one has no class."""
    kept = read_setting(connection, VOCABULARY, None)
    if kept and name in kept["types"]:
        types = dict.fromkeys(to if one == name else one for one in kept["types"])
        write_setting(connection, VOCABULARY, {**kept, "types": list(types)})


def _find(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT id FROM class WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row["id"])
