"""An append-only table of evidence: SQLite by default, PostgreSQL by URL.

Each row holds the hash of the one before it, so that a row that was changed, deleted or moved shows; rows
that were cut off from the end show by a hash that was kept elsewhere. One registration is one transaction,
and they follow one another: a process that is killed leaves nothing, and two at once leave one chain.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from actgate.api.quoting import printable
from actgate.api.times import timestamp
from actgate.pipeline.register import rows as rows_of
from actgate.pipeline.register.registry import Entry, Record, Registered, RegistryError
from actgate.pipeline.register.rows import Row

SECONDS: Final = 10
"""How long another registration, or a server, is waited for."""
_LOCK: Final = 0x6163_7467_6174_65
"""Of PostgreSQL's advisory locks, the one of this table: "actgate" in ASCII."""
_METADATA: Final = MetaData()
TABLE: Final = Table(
    "actgate_registry",
    _METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("system", String(256), nullable=False),
    Column("version", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(256), nullable=False),
    Column("model_digest", String(71), nullable=False),
    Column("payload_digest", String(71), nullable=False),
    Column("envelope", Text, nullable=False),
    Column("recorded_at", String(40), nullable=False),
    Column("previous", String(71), nullable=False, unique=True),
    Column("hash", String(71), nullable=False, unique=True),
)


class Database:
    """A registry in a database."""

    def __init__(self, url: URL, called: str) -> None:
        self._called = called
        with self._translated():
            self._engine = _engine(url)

    def register(self, entry: Entry, alias: str | None, now: datetime) -> Registered:
        """Append what is not in the table yet."""
        with self._translated(), self._engine.begin() as connection:
            _lock(connection)
            _METADATA.create_all(connection)
            rows = _rows(connection)
            added = list(rows_of.missing(rows, entry, alias, self._called))
            head = rows[-1]["hash"] if rows else ""
            for number, fields in enumerate(added, len(rows) + 1):
                row = {
                    **fields,
                    "sequence": number,
                    "previous": head,
                    "recorded_at": timestamp(now, "auto"),
                }
                head = rows_of.hashed(row)
                connection.execute(TABLE.insert().values(**row, hash=head))
        return Registered(bool(added), self._called, head)

    def records(self) -> list[Record]:
        """Return all versions, in the order in which they were registered."""
        rows = self._read()
        return [rows_of.record(row, rows, self._called) for row in rows if row["kind"] == rows_of.MANIFEST]

    def show(self, name: str, version: str | None) -> list[Record]:
        """Return versions of a model with their manifests and all of their attestations."""
        rows = self._read()
        return [
            rows_of.record(row, rows, self._called, whole=True)
            for row in rows
            if row["kind"] == rows_of.MANIFEST and row["system"] == name and version in (None, row["version"])
        ]

    def verify(self, heads: Collection[str]) -> tuple[int, list[str]]:
        """Follow the chain from its first row to its last."""
        rows = self._read()
        faults = list(rows_of.faults(rows))
        known = {row["hash"] for row in rows}
        faults += [
            f"{head}: no row has this hash: rows were cut off or written again"
            for head in heads
            if head not in known
        ]
        return sum(row["kind"] == rows_of.MANIFEST for row in rows), faults

    def _read(self) -> list[Row]:
        with self._translated(), self._engine.connect() as connection:
            if not inspect(connection).has_table(TABLE.name):
                raise RegistryError(f"{self._called} holds no registry: register something first")
            return _rows(connection)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ModuleNotFoundError as error:
            raise RegistryError(
                f"{self._called} needs a driver that is not installed ({error.name}): "
                "pip install 'psycopg[binary]'"
            ) from None
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()
            raise RegistryError(
                f"{self._called} cannot be used: {printable(reason[0] if reason else 'no reason')}"
            ) from None


def from_file(name: str, *, new: bool) -> Database:
    """Return the registry in an SQLite file.

    Args:
        name: Path of the file.
        new: Whether it may be created.

    Raises:
        RegistryError: It cannot be used, or is missing.
    """
    path = Path(name)
    if not name:
        raise RegistryError("sqlite: must be followed by the path of a file, as in sqlite:registry.db")
    if path.is_dir() or not path.parent.is_dir():
        raise RegistryError(f"{name} cannot be used: it must be a file in a folder that exists")
    if not new and not path.exists():
        raise RegistryError(f"{name} does not exist")
    return Database(URL.create("sqlite", database=name), name)


def from_url(url: str) -> Database:
    """Return the registry in a database by its URL; the password never shows."""
    try:
        parsed = make_url(url)
        return Database(parsed, parsed.render_as_string(hide_password=True))
    except (ArgumentError, ValueError):
        raise RegistryError("the URL of the database must be as in postgresql://user@host/name") from None


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": SECONDS})
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": SECONDS})

    # Python's driver begins a transaction with the first write: too late, two may have read the same by then.
    @event.listens_for(engine, "connect")
    def _manual(connection: Any, _record: object) -> None:  # noqa: ANN401 - of the driver
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _lock(connection: Connection) -> None:
    """Wait for other registrations; the lock ends with the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('lock_timeout', :most, true)"), {"most": f"{SECONDS}s"})
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _rows(connection: Connection) -> list[Row]:
    found = connection.execute(select(TABLE).order_by(TABLE.c.sequence))
    return [dict(row) for row in found.mappings()]
