"""The tables of a project, as migrations from each version to the next.

A migration that has been released is never changed; a new one is added at the end.
"""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "MIGRATIONS"]

APPLICATION_ID = 0x53504F54  # "SPOT": tells our files from other SQLite files

_FIRST = (
    # Settings by name, as JSON.
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # The order of the ids is the order of the classes in every export.
    "CREATE TABLE class (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """
    CREATE TABLE image (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        sha256 TEXT NOT NULL UNIQUE,
        suffix TEXT NOT NULL,
        width INTEGER NOT NULL CHECK (width > 0),
        height INTEGER NOT NULL CHECK (height > 0),
        look INTEGER NOT NULL,
        twin_id INTEGER REFERENCES image (id) ON DELETE SET NULL,
        state TEXT NOT NULL DEFAULT 'new'
            CHECK (state IN ('new', 'proposed', 'done', 'skipped')),
        settled INTEGER GENERATED ALWAYS AS (state IN ('done', 'skipped')) VIRTUAL,
        version INTEGER NOT NULL DEFAULT 0,
        doubt REAL NOT NULL DEFAULT 0,
        doubt_reason TEXT NOT NULL DEFAULT '',
        proposed INTEGER NOT NULL DEFAULT 0,
        confirmed INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        prelabel_key TEXT NOT NULL DEFAULT '',
        group_name TEXT NOT NULL DEFAULT '',
        split TEXT NOT NULL DEFAULT '',
        source TEXT NOT NULL DEFAULT '',
        licence TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '',
        removed INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL,
        updated_at REAL NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX image_name ON image (name)",
    "CREATE INDEX image_queue ON image (removed, settled, doubt DESC, id)",
    "CREATE INDEX image_state ON image (removed, state, doubt DESC, id)",
    "CREATE INDEX image_counts ON image (removed, proposed, confirmed, rejected)",
    "CREATE INDEX image_updated ON image (removed, updated_at DESC, id)",
    """
    CREATE TABLE box (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
        class_id INTEGER NOT NULL REFERENCES class (id),
        caption TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL CHECK (state IN ('proposed', 'confirmed', 'rejected')),
        detector REAL, logit REAL, probability REAL, margin REAL,
        source TEXT NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0,
        updated_at REAL NOT NULL,
        CHECK (x2 > x1 AND y2 > y1)
    ) STRICT
    """,
    "CREATE INDEX box_image ON box (image_id, removed, id)",
    # Each holds all that its filter asks for, so that the rows themselves are not read.
    "CREATE INDEX box_state ON box (state, detector, image_id) WHERE removed = 0",
    "CREATE INDEX box_class ON box (class_id, state, detector, image_id) WHERE removed = 0",
    "CREATE INDEX box_caption ON box (caption, image_id) WHERE removed = 0",
    # The journal: nothing in it is ever changed but whether an edit is undone.
    """
    CREATE TABLE edit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        who TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('edit', 'undo', 'redo', 'propose', 'import')),
        undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1, 2)),
        state_before TEXT, state_after TEXT,
        at REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX edit_image ON edit (image_id, who, id)",
    "CREATE INDEX edit_done ON edit (at) WHERE state_after = 'done'",
    """
    CREATE TABLE change (
        edit_id INTEGER NOT NULL REFERENCES edit (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        box_id INTEGER REFERENCES box (id) ON DELETE CASCADE,
        caption TEXT,
        before TEXT, after TEXT,
        PRIMARY KEY (edit_id, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX change_box ON change (box_id)",
    # Captions that were looked for in an image, found or not.
    """
    CREATE TABLE asked (
        image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
        caption TEXT NOT NULL,
        found INTEGER NOT NULL,
        probability REAL,
        confirmed INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (image_id, caption)
    ) STRICT, WITHOUT ROWID
    """,
)

_SECOND = (
    # What the caller named an edit: sent again, because the answer was lost, it is not done again.
    "ALTER TABLE edit ADD COLUMN token TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX edit_token ON edit (image_id, token) WHERE token != ''",
)

_THIRD = (
    # What a picture is known to show, one caption for each object: a JSON list of texts.
    "ALTER TABLE image ADD COLUMN captions TEXT NOT NULL DEFAULT '[]'",
)

_FOURTH = (
    # What tells pictures of one look apart, see `project.pictures.detail_of`.
    """
    CREATE TABLE detail (
        image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
        cells BLOB NOT NULL
    ) STRICT
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND, _THIRD, _FOURTH)
