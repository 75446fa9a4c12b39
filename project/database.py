"""The SQLite file of a project: opening, migrating, and transactions that are durable.

Write-ahead log, full synchronisation, foreign keys. One connection, guarded by a lock, serves all
threads; other processes wait for each other's transactions. Knows no rows and no edits.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from core.errors import DataError
from project.schema import APPLICATION_ID, MIGRATIONS
from project.types import StoreError

__all__ = ["Database"]

_BUSY_S = 20.0
# What may be over soon, by the low byte of SQLite's code.
_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    )
)  # fmt: skip
_OWN_OF_SQLITE = frozenset(
    ("sqlite_schema", "sqlite_temp_schema", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
)


class Database:
    """A project's SQLite file.

    Args:
        path: The file; made when `create` is true, else it must exist.
        create: Whether a new file is wished.
        migrations: Statements that lead from each version to the next.

    Raises:
        DataError: There is no such file, it is none of ours, damaged, or of a newer version.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        migrations: Sequence[Sequence[str]] = MIGRATIONS,
    ) -> None:
        if not create and not path.is_file():
            raise DataError(
                f"{path.parent} holds no project.", "Make one: python app.py project create DIR"
            )
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise DataError(f"cannot open {path}: {error}.", "Check the folder.") from error
        self._connection.row_factory = sqlite3.Row
        # LIKE and lower() know the two cases of ASCII letters alone.
        self._connection.create_function("fold", 1, str.casefold, deterministic=True)
        try:
            self._prepare(migrations, create)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, migrations: Sequence[Sequence[str]], create: bool) -> None:
        with self._explained():
            self._connection.execute("PRAGMA foreign_keys = ON")
            # A file may come from anybody: what stands in its schema gets no power here.
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute("PRAGMA cell_size_check = ON")
            found = self._pragma("application_id")
            if not create and found != APPLICATION_ID:
                raise DataError(
                    f"{self.path} is no project of Spotter.", "Open the folder of a project."
                )
            if self._pragma("user_version") > len(migrations):
                raise DataError(
                    f"{self.path} was made by a newer version of Spotter.", "Update Spotter."
                )
            self._check_shape(tuple(map(tuple, migrations)))
            self._connection.execute("PRAGMA journal_mode = WAL")
            # An edit that was answered is on the disk, also when the power fails.
            self._connection.execute("PRAGMA synchronous = FULL")
        while (version := self._pragma("user_version")) < len(migrations):
            with self.write() as connection:
                if self._pragma("user_version") != version:
                    continue  # another process was faster
                for statement in migrations[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")

    def _check_shape(self, migrations: tuple[tuple[str, ...], ...]) -> None:
        """Refuse a file whose tables are not ours: a view may answer each question differently."""
        with self.read() as connection:
            version = self._pragma("user_version")
            triggers = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'trigger'")
            is_ours = _shape(connection) == _expected_shape(migrations[: max(version, 0)])
            if triggers.fetchone() or not is_ours:
                raise DataError(
                    f"the tables of {self.path} are not those of a project.",
                    "Use a project as Spotter wrote it.",
                )

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, with one state of the file for all that is read within.

        Raises:
            DataError: The file is damaged or cannot be read.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self, *, beside: Path | None = None) -> Iterator[sqlite3.Connection]:
        """The connection within one transaction: all of it is kept, or nothing.

        Args:
            beside: File of another project, whose tables can be read as `other.NAME`.

        Raises:
            DataError: Another process writes for too long, the disk is full, the file damaged.
        """
        with self._lock, contextlib.ExitStack() as stack:
            if beside is not None:
                with self._explained():
                    self._connection.execute("ATTACH DATABASE ? AS other", (str(beside),))
                stack.callback(self._connection.execute, "DETACH DATABASE other")
            yield stack.enter_context(self._transaction("BEGIN IMMEDIATE"))

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            if self._depth:
                raise AssertionError("transactions are not nested")
            self._connection.execute(begin)
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # our own mistake: the schema forbids what we tried
        except sqlite3.Error as error:
            raise StoreError(
                f"the project {self.path.parent} cannot be read or written: {error}.",
                "Is the disk full, or is another program using the project?",
                passes=getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING,
            ) from error

    def problems(self) -> list[str]:
        """Return what SQLite finds wrong with the file: damage, and rows that refer to nothing."""
        with self.read() as connection:
            damage = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            orphans = [tuple(row) for row in connection.execute("PRAGMA foreign_key_check")]
        found = [] if damage == ["ok"] else damage
        return found + [
            f"a row of {table} refers to nothing in {to}" for table, _, to, _ in orphans
        ]

    def close(self) -> None:
        """Close the file; the log is written back into it."""
        with self._lock:
            with contextlib.suppress(sqlite3.Error):  # only makes later questions faster
                self._connection.execute("PRAGMA analysis_limit = 400")
                self._connection.execute("PRAGMA optimize")
            self._connection.close()


@cache
def _expected_shape(migrations: tuple[tuple[str, ...], ...]) -> frozenset[tuple[object, ...]]:
    """The shape of a file that these migrations made."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in migrations:
            for statement in statements:
                connection.execute(statement)
        return _shape(connection)


def _shape(connection: sqlite3.Connection) -> frozenset[tuple[object, ...]]:
    """Kind and columns of all tables and views but SQLite's own, whatever the words they use."""
    found = set[tuple[object, ...]]()
    for _, name, kind, _, without_rowid, strict in connection.execute("PRAGMA table_list"):
        if name not in _OWN_OF_SQLITE:
            found.add((name, kind, without_rowid, strict))
            query = 'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)'
            found.update((name, *column) for column in connection.execute(query, (name,)))
    return frozenset(found)
