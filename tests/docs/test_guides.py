"""The guides run as they are written: the commands of a page, one after the other, in one folder.

What needs a cluster or a package index is left out, as each guide below says; ``test_commands`` checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.docs import pages
from tests.docs.pages import ROOT
from tests.support.mlflow import FakeMlflow, serving

pytestmark = pytest.mark.system

CLUSTER: Final = "kubectl "
INDEX: Final = "pip "


@dataclass(frozen=True, slots=True)
class Guide:
    """A page, and what its commands need.

    ``left_out`` are words of commands that are not run; ``fails`` maps words of a command to its exit code, 0
    for all others. ``prepare`` makes the files that a reader has, beside those that the page prints.
    """

    page: str
    commands: int
    left_out: tuple[str, ...] = ()
    fails: Mapping[str, int] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda folder: None
    env: Mapping[str, str] = field(default_factory=dict)


def _scores(folder: Path) -> None:
    """Write predictions that hold what is asked for, in the formats that docs/audit.md names."""
    import duckdb

    (folder / "scores").mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    query = """
        SELECT i // 12 AS id, i % 2 AS repaid, i // 2 % 2 AS granted,
            CASE WHEN i % 3 = 0 THEN 'female' ELSE 'male' END AS sex, 1000 + i AS income, 'car' AS purpose,
            CASE WHEN i // 4 % 2 = 0 THEN 25 ELSE 60 END AS age, DATE '2025-06-01' AS recorded
        FROM range(24000) AS rows(i)
    """
    files = {"scores.parquet": "scores", "scores/part.parquet": "scores", "train.parquet": "training"}
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE scores AS {query}")
        connection.execute("CREATE VIEW training AS SELECT * REPLACE (income + 90000 AS income) FROM scores")
        for name, table in files.items():
            connection.table(table).write_parquet(str(folder / name))


def _scorer(folder: Path) -> None:
    """Write the model and the data that docs/evaluate.md describes."""
    [line] = [
        part
        for part in (ROOT / "docs" / "evaluate.md").read_text("utf-8").split("`")
        if part.startswith("def predict")
    ]
    (folder / "scorer.py").write_text(line + "\n", "utf-8")
    rows = [f"{'fm'[i % 2]},{i % 101},{int((i % 101 > 50) != (i % 9 == 0))}" for i in range(1000)]
    (folder / "test.csv").write_text("\n".join(["sex,income,y", *rows]), "utf-8")


def _files_of_the_page(page: Path, folder: Path) -> None:
    """Write each YAML block that begins with the name of its file."""
    for block in pages.blocks(page, "yaml"):
        name, _, _ = block.text.removeprefix("# ").partition("\n")
        if block.text.startswith("# ") and name.endswith(".yaml") and " " not in name:
            (folder / name).write_text(block.text, "utf-8")


GUIDES: Final = (
    Guide("docs/attested-evidence.md", 7, left_out=(CLUSTER,)),
    Guide("docs/audit.md", 4, left_out=(INDEX, "sqlite3 ", "--counts paris.csv"), prepare=_scores),
    Guide("docs/client-certificates.md", 4, left_out=(CLUSTER,)),
    Guide("docs/evaluate.md", 2, left_out=(INDEX, "--import results.json"), prepare=_scorer),
    Guide("docs/kserve.md", 3, left_out=(CLUSTER,), fails={"another-model": 1}),
    Guide("docs/model-card.md", 4),
    Guide("docs/pack.md", 8, left_out=("service.yaml",)),  # tests/cli/test_pack_exemptions.py
    Guide("docs/register.md", 6, left_out=("kube",), prepare=lambda folder: (folder / "run").mkdir()),
    Guide(
        "docs/training-evidence.md",
        6,
        # A high-risk model that nothing audited does not pass.
        fails={"actgate verify": 1},
        env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
    ),
    Guide("examples/attested/README.md", 2, left_out=(CLUSTER, "signed")),
)


@contextmanager
def _mlflow(guide: Guide) -> Iterator[Mapping[str, str]]:
    if "register" not in guide.page:
        yield {}
        return
    with serving(FakeMlflow()) as url:
        yield {"MLFLOW": url}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.page)
def test_every_command_does_what_the_page_shows(guide: Guide, tmp_path: Path) -> None:
    """The exit code is 0 where no other is named, and the output is the one that the page prints."""
    page = ROOT / guide.page
    _files_of_the_page(page, tmp_path)
    guide.prepare(tmp_path)
    chosen = [one for one in pages.commands(page) if not any(word in one.text for word in guide.left_out)]
    assert len(chosen) == guide.commands
    with _mlflow(guide) as server:
        for command in chosen:
            done = pages.run(command.text, tmp_path, {**guide.env, **server})
            expected = next((code for words, code in guide.fails.items() if words in command.text), 0)
            assert done.returncode == expected, f"{command}\n{done.stdout}"
            if command.output:
                assert pages.shows(done.stdout, command.output), f"{command}\n{done.stdout}"
