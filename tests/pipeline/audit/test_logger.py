"""``EUAIActGovernanceLogger.audit``: three lines with proof, from whatever holds the columns."""

import importlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actgate import EUAIActGovernanceLogger
from actgate.manifests.errors import EvidenceError
from tests.cli.support import NOW, Json, actgate
from tests.pipeline.audit.support import persons

COLUMNS = {name: [row[name] for row in persons()] for name in ("sex", "race", "y", "yhat")}


def logger() -> EUAIActGovernanceLogger:
    """Return a logger to which everything but bias was declared."""
    return EUAIActGovernanceLogger(
        "CreditRiskScorer-v2",
        "HIGH_RISK",
        human_oversight=True,
        training_regions=[{"provider": "aws", "region": "eu-west-3"}],
        finished_at=datetime(2026, 11, 1, 10, tzinfo=UTC),
    )


def exported(one: EUAIActGovernanceLogger, folder: Path) -> Json:
    """Return the spec of what a logger exports."""
    path = folder / "model_compliance_manifest.json"
    one.export_compliance_manifest(path)
    spec: Json = json.loads(path.read_text())["spec"]
    return spec


def test_three_lines_write_evidence_that_proves_itself(tmp_path: Path) -> None:
    """The counts go with it: the file is a ComplianceManifest, and the gate recomputes its value."""
    alike = [1, 0] * 2500
    one = logger()
    assert one.audit(alike, alike, {"sex": ["female"] * 2500 + ["male"] * 2500})
    spec = exported(one, tmp_path)
    (measured,) = spec["bias"]
    assert measured["groups"] == [
        {
            "name": name,
            "count": 2500,
            "selected": 1250,
            "positives": 1250,
            "truePositives": 1250,
            "falsePositives": 0,
        }
        for name in ("female", "male")
    ]
    assert (measured["value"], measured["compliant"]) == (0.0, True)
    file = str(tmp_path / "model_compliance_manifest.json")
    assert actgate("check", "-f", file, "--now", NOW).returncode == 0


def numpy_arrays() -> tuple[Any, Any, Any]:
    """Return arrays, the groups by name."""
    np: Any = importlib.import_module("numpy")
    groups = {name: np.array(COLUMNS[name]) for name in ("sex", "race")}
    return np.array(COLUMNS["y"]), np.array(COLUMNS["yhat"], dtype=np.float32), groups


def pandas_frame() -> tuple[Any, Any, Any]:
    """Return columns of a frame, the groups as a frame with categories."""
    pd: Any = importlib.import_module("pandas")
    frame = pd.DataFrame(COLUMNS)
    return frame["y"].astype("boolean"), frame["yhat"], frame[["sex", "race"]].astype("category")


def lists_of_scalars() -> tuple[Any, Any, Any]:
    """Return lists whose values are numpy's own."""
    np: Any = importlib.import_module("numpy")
    return [np.int64(one) for one in COLUMNS["y"]], [np.bool_(one) for one in COLUMNS["yhat"]], dict(COLUMNS)


@pytest.mark.system
@pytest.mark.parametrize("made", [numpy_arrays, pandas_frame, lists_of_scalars])
def test_arrays_and_frames_have_the_counts_of_lists(made: Callable[[], tuple[Any, Any, Any]]) -> None:
    """By what they are able to do, not by their type: neither numpy nor pandas is imported for it."""
    plain, other = logger(), logger()
    by = ["sex", "sex,race"]
    plain.audit(COLUMNS["y"], COLUMNS["yhat"], COLUMNS, by=by)
    y_true, y_pred, groups = made()
    other.audit(y_true, y_pred, groups, by=by)
    assert other._statement.bias == plain._statement.bias


@pytest.mark.system
def test_a_missing_value_is_one_in_every_notation() -> None:
    """None, NaN, and pandas' NA and NaT: refused with their number."""
    pd: Any = importlib.import_module("pandas")
    sex = ["female", None, float("nan"), pd.NA, pd.NaT, " ", *COLUMNS["sex"][6:]]
    with pytest.raises(EvidenceError, match=r"5 of 400 rows have no value .*nulls='drop'"):
        logger().audit(COLUMNS["y"], COLUMNS["yhat"], {"sex": sex})


def test_metrics_have_their_own_limits_and_references(tmp_path: Path) -> None:
    """As many measurements as attributes and metrics, each with its limit."""
    one = logger()
    one.audit(
        COLUMNS["y"],
        COLUMNS["yhat"],
        COLUMNS,
        by=["sex", ("sex", "race")],
        metrics={"demographic_parity_difference": 0.5, "disparate_impact": 0.2},
        reference_groups={"sex": "male", "sex,race": "male, white"},
        dataset_digest=f"sha256:{'a' * 64}",
        plan_digest=f"sha256:{'b' * 64}",
    )
    found = {(item["attribute"], item["metric"]): item for item in exported(one, tmp_path)["bias"]}
    assert [(key, item["threshold"], item.get("referenceGroup")) for key, item in found.items()] == [
        (("sex", "demographic_parity_difference"), 0.5, None),
        (("sex", "disparate_impact"), 0.2, "male"),
        (("sex,race", "demographic_parity_difference"), 0.5, None),
        (("sex,race", "disparate_impact"), 0.2, "male, white"),
    ]
    assert all(item["dataset"]["digest"].endswith("aaa") for item in found.values())
    assert all(item["planDigest"].endswith("bbb") for item in found.values())


def test_certainty_is_asked_for_by_confidence() -> None:
    """The value of these 400 persons holds the limit, and their interval does not."""
    held = {"demographic_parity_difference": 0.1}
    assert logger().audit(COLUMNS["y"], COLUMNS["yhat"], {"sex": COLUMNS["sex"]}, metrics=held)
    assert not logger().audit(
        COLUMNS["y"], COLUMNS["yhat"], {"sex": COLUMNS["sex"]}, metrics=held, confidence=0.95
    )


def test_rows_that_are_left_out_are_recorded(tmp_path: Path) -> None:
    """Completeness says how many, of which column."""
    labels = [None, None, *COLUMNS["y"][2:]]
    one = logger()
    one.audit(labels, COLUMNS["yhat"], {"sex": COLUMNS["sex"]}, nulls="drop")
    spec = exported(one, tmp_path)
    assert sum(group["count"] for group in spec["bias"][0]["groups"]) == 398
    complete = [item for item in spec["dataQuality"] if item["check"] == "completeness"]
    assert [item["failed"] for item in complete if '"y_true"' in item["definition"]] == [2]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"y_true": [1, 0]}, "all columns must have the same number of rows: y_true has 2, y_pred has 400"),
        ({"y_pred": [0.5] * 400}, 'prediction "y_pred": 400 of 400 rows have a value that is neither'),
        ({"y_true": ["1"] * 400}, 'label "y_true": 400 of 400 rows have a value that is neither'),
        ({"groups": COLUMNS["sex"]}, "attribute: Required value"),
        ({"groups": {"sex": ["female"] * 400}}, "has 1 group, and at least 2 are needed"),
        ({"by": ["gender"]}, 'group "gender": not found: groups has "sex"'),
        ({"metrics": ["parity"]}, 'metrics: Unsupported value: "parity"'),
        ({"metrics": {"disparate_impact": 80}}, "metrics[disparate_impact]: Invalid value: 80"),
        (
            {"metrics": ["disparate_impact"], "reference_groups": {"sex": "woman"}},
            '"woman" of "sex": not found',
        ),
        ({"reference_groups": {"race": "white"}}, 'reference_groups: "race" not found'),
        ({"nulls": "ignore"}, 'nulls: Unsupported value: "ignore"'),
        ({"dataset_digest": "1b2c"}, "dataset.digest: Invalid value"),
    ],
)
def test_what_cannot_be_audited_is_refused_and_not_recorded(changed: Json, sentence: str) -> None:
    """In a sentence with the number of rows, without a value of one."""
    given: Json = {"y_true": COLUMNS["y"], "y_pred": COLUMNS["yhat"], "groups": {"sex": COLUMNS["sex"]}}
    one = logger()
    with pytest.raises(EvidenceError) as caught:
        one.audit(**{**given, **changed})
    assert sentence in str(caught.value)
    assert one._statement.bias == {}


def test_the_seed_s_own_lines_still_write_their_own_file(tmp_path: Path) -> None:
    """``log_bias_check`` stays, and its file is v0 as before; after an audit v0 has to be asked for."""
    one = logger()
    one.log_bias_check(0.03)
    one.export_compliance_manifest(tmp_path / "m.json")
    assert "model_name" in json.loads((tmp_path / "m.json").read_text())
    one.audit(COLUMNS["y"], COLUMNS["yhat"], {"sex": COLUMNS["sex"]})
    with pytest.raises(EvidenceError, match="v0 has no field"):
        one.export_compliance_manifest(tmp_path / "m.json", version="v0")
