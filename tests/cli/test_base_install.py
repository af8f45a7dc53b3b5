"""What ``pip install actgate`` brings by itself: the logger, manifests and the command.

Each test runs in a process in which every package is hidden that the base dependencies of
``pyproject.toml`` do not bring, as in a training image.
"""

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import files, packages_distributions, requires
from itertools import product
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cli.signing import key_file, party, unsigned
from tests.cli.support import NOW, manifest, model, pipeline_file, policy, write
from tests.support.attested import trusting
from tests.support.mlflow import FakeMlflow, serving

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
OWN = ("core", "webhook", "operator", "sandbox")
_BASE = """\
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in %r:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""
_ACTGATE = "from actgate.cli.main import main\nsys.exit(main())\n"
_IN_TURN = """\
import contextlib, io, json
from actgate.cli.main import main
done = []
for command in json.loads(sys.argv[1]):
    streams = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        code = main(command)
    done.append([int(code), *(stream.getvalue() for stream in streams)])
print(json.dumps(done))
"""


@cache
def brought(extra: str = "") -> frozenset[str]:
    """Return what is installed with actgate and one of its extras, without itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    waiting = [*project["dependencies"], *(extras[extra] if extra else ())]
    found = set[str]()
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if name == "actgate":
            waiting += [one for other in wanted.extras for one in extras[other]]
        elif name not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += requires(name) or []
    return frozenset(found)


@cache
def hidden() -> frozenset[str]:
    """Return the modules of every installed package that the base dependencies do not bring."""
    base = brought() | {"actgate"}
    return frozenset(
        module
        for module, names in packages_distributions().items()
        if base.isdisjoint(map(canonicalize_name, names))
    )


def run(script: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script with nothing but the base install to import."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", _BASE % set(hidden()) + script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
    )


def actgate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing but the base install."""
    return run(_ACTGATE, *arguments)


def in_turn(*commands: Sequence[str]) -> list[tuple[int, str, str]]:
    """Run commands one after the other in one process; return exit code, output and errors of each."""
    done = run(_IN_TURN, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return [(code, out, errors) for code, out, errors in json.loads(done.stdout)]


def test_the_base_install_has_no_client_of_clusters_and_nothing_for_terminals() -> None:
    """A training image gets no Kubernetes client, no HTTP library and no rich: nothing to patch there."""
    assert hidden() >= {"kubernetes", "aiohttp", "urllib3", "requests", "rich", "fastapi", "kopf"}
    assert hidden().isdisjoint({"actgate", "pydantic", "yaml"})


def test_import_actgate_loads_nothing_heavy() -> None:
    """A training script that names the logger pays for it when it uses it, and not before."""
    script = "import sys; before = set(sys.modules); import actgate; print(*set(sys.modules) - before)"
    loaded = run(script).stdout.split()
    assert {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "actgate",
        "actgate.version",
    }
    assert {"logging", "json", "dataclasses"}.isdisjoint(loaded)


def test_the_first_lines_of_a_pipeline_load_no_engine_and_no_cryptography() -> None:
    """Their imports take 0.2 CPU seconds, of which pydantic is half; what few runs need waits for its use."""
    heavy = {"cryptography", "duckdb", "jinja2", "numpy", "rich", "sqlalchemy", "kubernetes", "aiohttp"}
    for first in (
        "from actgate import EUAIActGovernanceLogger",
        "from actgate.pipeline import training_run",
        "import actgate.pipeline.audit.run",
        "import actgate.pipeline.evaluate.run",
    ):
        script = f"import sys\n{first}\nprint(*sys.modules)"
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        loaded = done.stdout.split()
        assert heavy.isdisjoint(name.partition(".")[0] for name in loaded), first
        assert len(loaded) < 400, (first, len(loaded))


def test_what_a_pipeline_installs_takes_at_most_130_mb() -> None:
    """CI installs it in every run: packages with the byte code of pip; ours is as large as its source."""
    paths = [Path(one.locate()) for name in brought("pipeline") for one in files(name) or ()]
    sizes = {path: path.stat().st_size for path in paths if path.exists()}
    sizes |= {path: 2 * path.stat().st_size for folder in OWN for path in (ROOT / folder).rglob("*.py")}
    assert 100e6 < sum(sizes.values()) < 130e6, sorted(sizes, key=sizes.__getitem__)[-10:]


@pytest.mark.parametrize("example", ["train.py", "train_with_evidence.py"])
def test_training_code_needs_the_base_alone(tmp_path: Path, example: str) -> None:
    """The logger writes both versions of a manifest, and the check passes what it wrote."""
    path = ROOT / "examples/pipeline" / example
    done = run("import runpy; runpy.run_path(sys.argv[1], run_name='__main__')", str(path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.iterdir()
    assert actgate("check", "-f", str(written)).returncode == 0


def test_check_needs_the_base_alone(tmp_path: Path) -> None:
    """Models, manifests of both versions, every report, and every outcome."""
    commands, codes = [], []
    for metric, output in product((0.03, 0.3), ("text", "json", "junit", "sarif")):
        measured = {"demographic_parity_diff": metric, "threshold": 0.05, "compliant": metric < 0.05}
        files = (
            write(tmp_path / "input.yaml", manifest(), model()),
            write(tmp_path / f"{metric}.json", pipeline_file(bias_metrics=measured)),
        )
        commands.append(("check", "-f", *map(str, files), "--now", NOW, "-o", output))
        codes.append(0 if metric < 0.05 else 1)
    for command, code, (returned, out, errors) in zip(commands, codes, in_turn(*commands), strict=True):
        assert returned == code, (command, errors)
        assert "credit-risk-scorer-v2" in out, command


def test_a_terminal_without_rich_gets_the_whole_report_in_plain_text(tmp_path: Path) -> None:
    """Only the colours are missing: the text is what a pipe gets, to the last sentence."""
    file = str(write(tmp_path / "input.yaml", manifest(humanOversight={"enabled": False}), model()))
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        arguments = ("check", "-f", file, "--now", NOW)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _BASE % set(hidden()) + _ACTGATE, *arguments], stdout=theirs
        )
        os.close(theirs)
        shown = b""
        try:
            while part := screen.read(4096):
                shown += part
        except OSError:
            pass  # Linux says so when the last writer is gone.
        assert process.wait() == 1
    assert shown.decode().replace("\r\n", "\n") == actgate(*arguments).stdout


def test_the_other_commands_need_the_base_alone(tmp_path: Path) -> None:
    """Rules are explained, files converted and digests printed without a cluster's client."""
    file = str(write(tmp_path / "evidence.json", pipeline_file()))
    report = tmp_path / "results.json"
    report.write_text('{"results": {"arc_easy": {"acc,none": 0.71}}}')
    explained, in_yaml, in_json, digest, taken, verified = in_turn(
        ("explain",),
        ("manifest", "convert", file, "-o", "yaml"),
        ("manifest", "convert", file, "-o", "json"),
        ("manifest", "digest", file),
        ("evaluate", "--import", str(report), "--format", "lm-eval", "-o", "json"),
        ("log", "verify", file),
    )
    assert "bias/limit" in explained[1]
    assert yaml.safe_load(in_yaml[1])["kind"] == "ComplianceManifest"
    assert json.loads(in_json[1])["spec"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", digest[1])
    assert json.loads(taken[1])["evaluations"][0]["value"] == 0.71
    assert (verified[0], "no line of a decision log" in verified[2]) == (2, True)


def test_evidence_is_signed_and_verified_with_the_base_alone(tmp_path: Path) -> None:
    """A training image signs what it trained, and any laptop verifies it."""
    file, key = str(write(tmp_path / "m.yaml", unsigned())), key_file(tmp_path, "training")
    signed, rules = str(tmp_path / "signed.yaml"), policy("p", evidence=trusting(party("training")))
    arguments = ("--policy", str(write(tmp_path / "p.yaml", rules)), "--at", NOW)
    commands = (
        ("attest", file, "--key", key, "--output-file", signed),
        ("approve", signed, "--key", key, "--role", "Office", "--by", "J. Doe"),
        ("verify", signed, *arguments),
        ("pack", signed, *arguments, "--output-file", str(tmp_path / "pack.zip")),
        ("verify", str(tmp_path / "pack.zip")),
        ("model", "digest", file),
    )
    for command, (code, _, errors) in zip(commands, in_turn(*commands), strict=True):
        assert code == 0, (command, errors)


def test_mlflow_needs_the_base_alone_and_other_registries_name_their_extra(tmp_path: Path) -> None:
    """REST with the standard library takes 0 MB; a database and a cluster take a package each."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    with serving(FakeMlflow()) as url:
        done = actgate("register", file, "--to", f"mlflow:{url}")
        assert (done.returncode, done.stderr) == (0, "")
    for to, extra in ((f"sqlite:{tmp_path}/r.db", "registry"), ("kubernetes:", "kube")):
        done = actgate("register", file, "--to", to)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert f"needs pip install 'actgate[{extra}]'" in done.stderr


def test_without_attestations_no_cryptography_is_loaded(tmp_path: Path) -> None:
    """It takes a quarter of the time of a start, and our own readers of envelopes a twentieth."""
    files = (
        write(tmp_path / "m.yaml", manifest(), model()),
        write(tmp_path / "v0.json", pipeline_file()),
        write(tmp_path / "p.yaml", policy("p")),
    )
    loaded = "{'cryptography', 'actgate.attestations.reading'} & {*sys.modules}"
    script = f"import sys\nfrom actgate.cli.main import main\nmain()\nsys.exit(bool({loaded}))"
    done = run(script, "check", "-f", *map(str, files), "--now", NOW)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", ["webhook", "operator"])
def test_a_service_without_its_extra_says_which_to_install(service: str) -> None:
    """The scripts come with every install: one sentence and exit code 2, and no traceback."""
    done = run(f"from actgate_{service}.__main__ import main\nmain()\n", "--help")
    (sentence,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"actgate-{service}: error: needs pip install 'actgate[{service}]'" in sentence


def test_an_audit_of_data_says_which_extra_it_needs(tmp_path: Path) -> None:
    """Counts that were made elsewhere need nothing; data needs DuckDB, and one sentence says so."""
    data = tmp_path / "scores.csv"
    data.write_text("sex,y,yhat\nfemale,1,1\nmale,1,1\n")
    columns = ("--label", "y", "--prediction", "yhat", "--by", "sex")
    done = actgate("audit", str(data), *columns)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "needs pip install 'actgate[pipeline]'" in line
    counts = tmp_path / "counts.csv"
    counts.write_text(
        "attribute,value1,value2,count,selected,positives,true_positives\n"
        "sex,female,,5000,2500,2500,2000\nsex,male,,5000,2500,2500,2000\n*,rows,,10000,0,0,0\n"
        "*,missing,y,0,0,0,0\n*,missing,yhat,0,0,0,0\n*,missing,sex,0,0,0,0\n"
    )
    assert actgate("audit", "--counts", str(counts), *columns).returncode == 0
    assert actgate("audit", "scores", *columns, "--print-sql").returncode == 0
