"""The append-only registry: on SQLite, and on a real PostgreSQL server where there is one."""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import create_engine, text

from actgate.pipeline.register import database, rows
from actgate.pipeline.register.database import Database
from actgate.pipeline.register.registry import RegistryError
from tests.cli.signing import party
from tests.pipeline.registering import NOW, entry, unsigned_entry

REAL = "ACTGATE_TEST_POSTGRES"
Opened = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Return what opens an empty registry: each call another connection to the same."""
    if request.param == "sqlite":
        yield lambda: database.from_file(str(tmp_path / "r.db"), new=True)
        return
    url = os.environ.get(REAL)
    if url is None:
        pytest.skip(f"{REAL} names no PostgreSQL server")
    schema = f"test_{secrets.token_hex(4)}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield lambda: database.from_url(f"{url}?options=-csearch_path%3D{schema}")
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def test_what_is_registered_can_be_read_back(opened: Opened) -> None:
    """The manifest with its attestations, as it was given, and the alias."""
    what = entry(party("training"), party("risk"))
    found = opened().register(what, "champion", NOW)
    (shown,) = opened().show("CreditRiskScorer", "2")
    assert shown.manifest == dict(what.manifest)
    assert (shown.evidence, shown.model_digest) == (what.evidence, what.model_digest)
    assert shown.aliases == ("champion",)
    assert shown.payloads == tuple(digest for _, digest, _ in what.attestations)
    assert shown.recorded_at == "2026-11-23T12:00:00Z"
    assert opened().verify([found.head or ""]) == (1, [])
    assert opened().show("CreditRiskScorer", "3") == []


def test_the_same_again_appends_nothing(opened: Opened) -> None:
    """The head stays, so that a pipeline may run as often as it likes."""
    first, second = (opened().register(entry(), "champion", NOW) for _ in range(2))
    assert (first.changed, second.changed, first.head) == (True, False, second.head)


def test_other_evidence_under_a_version_is_refused(opened: Opened) -> None:
    """With nothing appended, and no alias turned."""
    first = opened().register(entry(), None, NOW)
    with pytest.raises(RegistryError, match="has other evidence already"):
        opened().register(entry(riskCategory="LimitedRisk"), "champion", NOW)
    assert opened().register(entry(), None, NOW).head == first.head


def test_a_later_signature_is_appended_and_none_is_lost(opened: Opened) -> None:
    """Also when a manifest is registered that lacks one of them."""
    opened().register(entry(party("training")), None, NOW)
    assert opened().register(entry(party("training"), party("risk")), None, NOW).changed
    assert not opened().register(unsigned_entry(), None, NOW).changed
    (shown,) = opened().records()
    assert len(shown.payloads) == 2


def test_an_alias_names_the_version_that_it_was_last_given_to(opened: Opened) -> None:
    """Each turn is a row, so that its history stays."""
    older = entry()
    newer = entry(model={**older.manifest["spec"]["model"], "version": "3"})
    for what in (older, newer, older):
        opened().register(what, "champion", NOW)
    assert {one.version: one.aliases for one in opened().records()} == {"2": ("champion",), "3": ()}


def test_registrations_at_once_leave_one_chain(opened: Opened) -> None:
    """Of several versions, and of one version by several pipelines."""
    first = entry()
    model = first.manifest["spec"]["model"]
    entries = [entry(model={**model, "version": str(number % 4)}) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        done = [*pool.map(lambda what: opened().register(what, "latest", NOW), entries)]
    assert sum(one.changed for one in done) >= 4
    assert opened().verify([one.head or "" for one in done]) == (4, [])


def test_of_two_evidences_at_once_one_is_refused(opened: Opened) -> None:
    """Whichever comes first stays."""

    def registered(category: str) -> str:
        try:
            return opened().register(entry(riskCategory=category), None, NOW).place and "registered"
        except RegistryError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(registered, ("HighRisk", "LimitedRisk")), key=len)
    assert (first, "has other evidence already" in second) == ("registered", True)
    assert opened().verify(()) == (1, [])


def test_a_process_that_is_killed_leaves_nothing_half_done(opened: Opened) -> None:
    """Before each row: what was written before it is rolled back, and the next run writes all of it."""
    what = entry(party("training"), party("risk"))
    real = rows.hashed
    for place in range(4):
        count = iter(range(99))

        def killed(row: rows.Row, place: int = place, count: Iterator[int] = count) -> str:
            if next(count) == place:
                raise KeyboardInterrupt
            return real(row)

        with patch.object(rows, "hashed", killed), pytest.raises(KeyboardInterrupt):
            opened().register(what, "champion", NOW)
        with pytest.raises(RegistryError, match="holds no registry"):
            opened().records()
    opened().register(what, "champion", NOW)
    assert opened().verify(()) == (1, [])


COLUMNS = [column.name for column in database.TABLE.columns]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_field_of_every_row_that_is_changed_is_noticed(tmp_path: Path, column: str) -> None:
    """By UPDATE, in a manifest, an attestation and an alias."""
    for number in (1, 2, 3):
        file = tmp_path / f"{number}.db"
        database.from_file(str(file), new=True).register(entry(), "champion", NOW)
        with sqlite3.connect(file) as connection:
            value = 9 if column == "sequence" else "sha256:" + "0" * 64
            update = f"UPDATE actgate_registry SET {column} = ? WHERE sequence = ?"  # noqa: S608 - our own names
            connection.execute(update, (value, number))
        connection.close()
        assert database.from_file(str(file), new=False).verify(())[1], number


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_row_that_is_deleted_is_noticed(tmp_path: Path, number: int) -> None:
    """The last one by a head that was kept elsewhere: nothing else remembers it."""
    file = tmp_path / "r.db"
    head = database.from_file(str(file), new=True).register(entry(), "champion", NOW).head or ""
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM actgate_registry WHERE sequence = ?", (number,))
    connection.close()
    registry = database.from_file(str(file), new=False)
    assert registry.verify([head])[1]
    assert bool(registry.verify(())[1]) is (number < 3)


def test_a_row_that_was_written_again_with_its_hashes_is_noticed_by_its_digest(tmp_path: Path) -> None:
    """Who can hash can chain; the evidence has a digest of its own, and the head another value."""
    file = tmp_path / "r.db"
    head = database.from_file(str(file), new=True).register(entry(), None, NOW).head or ""
    with sqlite3.connect(file) as connection:
        connection.row_factory = sqlite3.Row
        previous = ""
        for row in [dict(row) for row in connection.execute("SELECT * FROM actgate_registry")]:
            row["envelope"] = row["envelope"].replace("HighRisk", "MinimalRisk")
            row["previous"] = previous
            previous = rows.hashed(row)
            connection.execute(
                "UPDATE actgate_registry SET envelope = ?, previous = ?, hash = ? WHERE sequence = ?",
                (row["envelope"], row["previous"], previous, row["sequence"]),
            )
    connection.close()
    faults = database.from_file(str(file), new=False).verify([head])[1]
    assert any("does not hold what its digest says" in fault for fault in faults)
    assert any("no row has this hash" in fault for fault in faults)


def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """No folder, a folder, no database, one that another process holds, no server, no driver, no URL."""
    (tmp_path / "text.db").write_text("no database" * 100)
    held = tmp_path / "held.db"
    holder = sqlite3.connect(held, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    wrong = "user:secret@127.0.0.1:1/name"
    files = {
        "no/r.db": "must be a file in a folder",
        "": "must be a file in a folder",
        "text.db": "not a database",
        "held.db": "database is locked",
    }
    urls = {
        f"postgresql://{wrong}": r"user:\*\*\*@127.0.0.1:1/name ",
        "postgresql+unknown://x": "cannot be used",
        "postgresql:": "must be as in postgresql://",
    }
    cases: list[tuple[Opened, str]] = [
        *((partial(database.from_file, str(tmp_path / name), new=True), why) for name, why in files.items()),
        *((partial(database.from_url, url), why) for url, why in urls.items()),
        (partial(database.from_file, "", new=True), "must be followed by the path"),
        (partial(database.from_file, str(tmp_path / "r.db"), new=False), "does not exist"),
    ]
    with patch.object(database, "SECONDS", 0.05):
        for open_it, sentence in cases:
            with pytest.raises(RegistryError, match=sentence) as raised:
                open_it().register(entry(), None, NOW)
            assert "secret" not in str(raised.value)
            assert "\n" not in str(raised.value)
    holder.close()
