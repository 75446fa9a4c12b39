"""How long a project remembers: the bound of the journal, and what nobody can come back to.

In: an open transaction, so that a crash leaves all of it or nothing. What is forgotten can be
neither undone nor asked for any more; boxes and captions as they are never depend on it.
"""

from __future__ import annotations

import sqlite3

__all__ = ["TRIM_EVERY", "WEIGHT_KEPT", "forget_proposal", "trim"]

WEIGHT_KEPT = 20_000
"""What the entries of one image's journal that are remembered weigh together, at least.

Changes made one by one weigh two each: the last 10,000; a day's work on an image has some hundreds.
"""
TRIM_EVERY = 64
"""Versions of an image between two looks at its journal, so that an edit costs what it did."""

_LAST_FORGOTTEN = """
    SELECT id FROM (
        SELECT id, sum(weight) OVER (ORDER BY id DESC) - weight AS newer FROM (
            SELECT edit.id AS id, 1 + count(change.edit_id) AS weight
            FROM edit LEFT JOIN change ON change.edit_id = edit.id
            WHERE edit.image_id = ? GROUP BY edit.id
        )
    ) WHERE newer >= ? ORDER BY id DESC LIMIT 1
"""


def trim(connection: sqlite3.Connection, image_id: int, kept: int = WEIGHT_KEPT) -> None:
    """Forget the entries of an image's journal that lie behind its last changes.

    An entry weighs one more than its changes. With them go deleted boxes that no entry names any
    more, and what could be redone only after something that is forgotten.
    """
    row = connection.execute(_LAST_FORGOTTEN, (image_id, kept)).fetchone()
    if row is None:
        return
    last = row["id"]
    connection.execute(
        "UPDATE edit SET undone = 2 WHERE image_id = ? AND undone = 1 AND who IN "
        "(SELECT who FROM edit WHERE image_id = ? AND undone = 1 AND id <= ?)",
        (image_id, image_id, last),
    )
    connection.execute("DELETE FROM edit WHERE image_id = ? AND id <= ?", (image_id, last))
    connection.execute(
        "DELETE FROM box WHERE image_id = ? AND removed = 1 "
        "AND NOT EXISTS (SELECT 1 FROM change WHERE change.box_id = box.id)",
        (image_id,),
    )


def forget_proposal(connection: sqlite3.Connection, box_id: int) -> bool:
    """Delete a proposal for good and return True, unless a person's entry names it.

    Nobody can undo what a model did, and a model proposes anew as often as it is asked: kept, the
    old proposals would soon be most of a project.
    """
    touched = connection.execute(
        "SELECT 1 FROM change JOIN edit ON edit.id = change.edit_id "
        "WHERE change.box_id = ? AND edit.kind != 'propose' LIMIT 1",
        (box_id,),
    ).fetchone()
    if touched is not None:
        return False
    entries = connection.execute("SELECT edit_id FROM change WHERE box_id = ?", (box_id,))
    ids = [row["edit_id"] for row in entries]
    connection.execute("DELETE FROM box WHERE id = ?", (box_id,))  # its changes go along
    for edit_id in ids:
        connection.execute(
            "DELETE FROM edit WHERE id = ? "
            "AND NOT EXISTS (SELECT 1 FROM change WHERE change.edit_id = edit.id)",
            (edit_id,),
        )
    return True
