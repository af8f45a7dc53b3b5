"""A decision that rests on an Exemption is packed with it, and derived from it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.packing import files_of, with_files
from tests.cli.support import NOW, actgate, manifest, model, write
from tests.cli.test_exemptions import ENDS, exemption

MODEL = model("scorer", "credit", complianceManifestRef={"name": "credit-v2"})
UNSUPERVISED = manifest("credit-v2", "credit", humanOversight={"enabled": False})


def packed(folder: Path, *beside: Any, expected: int, obj: Any = MODEL) -> Path:  # noqa: ANN401 - JSON
    """Pack the decision on a model without human oversight, with policies and exemptions beside it."""
    target = folder / "pack.zip"
    more = ("--policy", str(write(folder / "beside.yaml", *beside))) if beside else ()
    done = actgate(
        *("pack", str(write(folder / "manifest.yaml", UNSUPERVISED))),
        *("--object", str(write(folder / "object.yaml", obj)), *more),
        *("--at", NOW, "--output-file", str(target)),
    )
    assert done.returncode == expected, (done.stdout, done.stderr)
    return target


def test_the_pack_has_the_exemption_and_verify_shows_it(tmp_path: Path) -> None:
    pack = packed(tmp_path, exemption(), expected=0)
    files = files_of(pack)
    assert {"exemptions/e.yaml", "objects/scorer.yaml"} <= files.keys()
    shown = actgate("verify", str(pack))
    assert shown.returncode == 0, shown.stderr
    assert ENDS in shown.stdout
    assert "INTACT" in shown.stdout
    (verdict,) = json.loads(actgate("verify", str(pack), "-o", "json").stdout)["verified"]["check"][
        "verdicts"
    ]
    assert verdict["exemptions"] == [{"name": "e", "notAfter": "2026-11-28T12:00:00Z"}]
    effects = {finding["rule"]: finding["effect"] for finding in verdict["findings"]}
    assert effects["oversight/missing"] == "Exempted"


def test_without_the_exemption_the_same_decision_is_a_refusal(tmp_path: Path) -> None:
    """Also after its end, and where it was taken out of the pack together with its digest."""
    packed(tmp_path, expected=1)
    pack = packed(tmp_path, exemption(), expected=0)
    assert actgate("verify", str(pack), "--at", "2026-11-28T12:00:00Z").returncode == 1
    left = {name: content for name, content in files_of(pack).items() if name != "exemptions/e.yaml"}
    broken = actgate("verify", str(with_files(pack, left, sums=True)))
    assert broken.returncode == 1
    assert "BROKEN" in broken.stdout


def test_an_object_that_is_not_judged_on_the_manifest_is_refused(tmp_path: Path) -> None:
    for other in (
        model("scorer", "credit", complianceManifestRef={"name": "another"}),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}},
    ):
        packed(tmp_path, expected=2, obj=other)
