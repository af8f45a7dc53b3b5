"""One run with every kind of outcome, judged once and written in every format."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actgate.cli import check, inventory, sources
from actgate.documents import Document
from tests.cli.support import bias, manifest, model, pipeline_file, policy, workload, write


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> check.Report:
    """Return a report: one pass, one failure with two findings, one warning, one without evidence."""
    monkeypatch.chdir(tmp_path)
    Path("my models").mkdir()
    write(Path("my models/all.yaml"), manifest(), model(), manifest("bad", bias=[bias(0.2, compliant=True)]))
    write(Path("more.yaml"), model("bad", complianceManifestRef={"name": "bad"}))
    write(Path("none.yaml"), model("none", complianceManifestRef={"name": "none"}))
    write(Path("v0.json"), pipeline_file())
    write(Path("policy.yaml"), policy("house"), policy("audited", enforcement="Audit"))
    names = ["my models/all.yaml", "more.yaml", "none.yaml", "v0.json"]
    found = inventory.take(sources.read(names), sources.read(["policy.yaml"]), "default")
    return check.judge(found, datetime(2026, 11, 23, 12, tzinfo=UTC))


def line_of_the_bad_value() -> int:
    """Return the line on which the measured value of 0.2 stands in the report's input."""
    return Path("my models/all.yaml").read_text().splitlines().index("    value: 0.2") + 1


@pytest.fixture
def hostile(tmp_path: Path) -> check.Report:
    """Return a report on names that would steer a terminal, break lines, or break XML."""
    name = "a\x1b[31m\n]]><b>&\x00\u202e\ud800"
    served = workload(name, **{"actgate.dev/compliance-manifest": name, "actgate.dev/model": name})
    document = Document(served, "a\x1b[31m\n]]><b>&\udcff.yaml", 1)
    return check.judge(inventory.take([document], [], "default"), datetime(2026, 11, 23, 12, tzinfo=UTC))
