"""The end of the training run as an OpenLineage event: data sets in, model out, with their digests.

Specification: https://openlineage.io/spec/2-0-2/OpenLineage.json. The time of the event is that of the
evidence, and the run's id is made of the evidence's digest: the same manifest is the same event, which a
receiver may get twice.
"""

import uuid
from collections.abc import Iterator
from typing import Any, Final

from actgate.api.times import timestamp
from actgate.decision.limits import BiasOutcome
from actgate.decision.problem import Problem
from actgate.manifests.errors import UnreadableError
from actgate.pipeline.card import proof
from actgate.pipeline.card.content import number, parts
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.measurements import measured
from actgate.pipeline.card.statements import accepted
from actgate.version import VERSION

Json = dict[str, Any]
NAMESPACE: Final = "actgate"
_PRODUCER: Final = f"https://actgate.dev/card/{VERSION}"
_SPEC: Final = "https://openlineage.io/spec"
_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS: Final = {
    "version": f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
    "dataQualityAssertions": f"{_SPEC}/facets/1-1-0/DataQualityAssertionsDatasetFacet.json"
    "#/$defs/DataQualityAssertionsDatasetFacet",
    "test": f"{_SPEC}/facets/1-0-1/TestRunFacet.json#/$defs/TestRunFacet",
    "actgate_evidence": "https://actgate.dev/facets/v1alpha1/EvidenceRunFacet.json#/$defs/EvidenceRunFacet",
}
_RUNS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://actgate.dev/card/openlineage")


def event(found: Evidence) -> Json:
    """Return the event of a manifest.

    Raises:
        UnreadableError: The manifest states no time at all, and an event has to have one.
    """
    stated = found.spec.model
    facets = {"actgate_evidence": _facet("actgate_evidence", **_evidence(found))}
    if tests := [*_tests(found)]:
        facets["test"] = _facet("test", tests=tests)
    return {
        "eventTime": _time(found),
        "eventType": "COMPLETE",
        "producer": _PRODUCER,
        "schemaURL": _EVENT,
        "run": {"runId": str(uuid.uuid5(_RUNS, found.digest)), "facets": facets},
        "job": {"namespace": NAMESPACE, "name": f"train {stated.name}", "facets": {}},
        "inputs": [*_inputs(found)],
        "outputs": [
            {
                "namespace": NAMESPACE,
                "name": stated.name,
                "facets": _version(stated.digest or stated.version),
                "outputFacets": {},
            }
        ],
    }


def _time(found: Evidence) -> str:
    spec = found.spec
    moments = [
        spec.training.finished_at if spec.training else None,
        spec.classification.assessed_at if spec.classification else None,
        *(one.at for one in spec.approvals or ()),
        spec.validity.not_before if spec.validity else None,
    ]
    moment = next((one for one in moments if one is not None), None)
    if moment is None:
        message = "Required value: an OpenLineage event has a time, and the evidence states none"
        raise UnreadableError(
            [Problem("spec.training.finishedAt", message, "record when the training ended")]
        )
    return timestamp(moment)


def _inputs(found: Evidence) -> Iterator[Json]:
    for one in found.spec.datasets or ():
        checks = [
            {
                "assertion": check.check,
                "success": held,
                "actual": f"{check.failed} of {check.checked} failed",
                "expected": f"a share of at most {number(check.threshold)}",
            }
            for check in found.spec.data_quality or ()
            if check.dataset == one.name
            and check.threshold is not None
            and (held := accepted(check)) is not None
        ]
        facets = (
            {"dataQualityAssertions": _facet("dataQualityAssertions", assertions=checks)} if checks else {}
        )
        yield {
            "namespace": NAMESPACE,
            "name": one.name,
            "facets": _version(one.digest or one.version),
            "inputFacets": facets,
        }


def _tests(found: Evidence) -> Iterator[Json]:
    for row in measured(found):
        if row.outcome is not None and row.limit is not None:
            # A claim without counts was not tested; what is not within its limit for certain is an issue.
            failed = "skip" if row.size is None else "fail"
            status = "pass" if row.outcome is BiasOutcome.PASS else failed
            name = f"{row.stated.metric.value} of {row.stated.attribute or 'an attribute that is not stated'}"
            words = (
                f"{number(row.stated.value)}, {row.outcome.value.lower()} at confidence {row.confidence:g}"
            )
            yield {
                "name": name,
                "status": status,
                "type": "bias",
                "actual": words,
                "expected": str(number(row.limit)),
            }
    for one in found.spec.evaluations or ():
        held = one.met
        if (
            held is not None
            and one.value is not None
            and one.threshold is not None
            and one.comparator is not None
        ):
            yield {
                "name": one.metric or one.kind,
                "status": "pass" if held else "fail",
                "type": one.kind,
                "actual": str(number(one.value)),
                "expected": f"{one.comparator.value} {number(one.threshold)}",
            }


def _evidence(found: Evidence) -> Json:
    lineage = found.spec.lineage
    stated = {
        "manifestDigest": found.digest,
        "verification": "".join(parts(proof.verified(found.verification))),
        "codeCommit": None if lineage is None else lineage.code_commit,
        "trainingRun": None if lineage is None else lineage.run_id,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _version(version: str | None) -> Json:
    return {} if version is None else {"version": _facet("version", datasetVersion=version)}


def _facet(name: str, **fields: Any) -> Json:  # noqa: ANN401 - JSON
    return {"_producer": _PRODUCER, "_schemaURL": _FACETS[name], **fields}
