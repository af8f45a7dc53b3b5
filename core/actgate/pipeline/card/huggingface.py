"""A model card for the Hugging Face hub: metadata in YAML, then the card in Markdown.

Format: https://huggingface.co/docs/hub/model-cards and its ``model-index``. Names of data sets and base
models stand in the text alone: the hub would make links of those in the metadata.
"""

from collections.abc import Iterator
from typing import Any, Final

from actgate import documents
from actgate.api.compliance_manifest import Evaluation
from actgate.pipeline.card import markdown
from actgate.pipeline.card.content import Page
from actgate.pipeline.card.escape import plain
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.measurements import Measured, measured

TAGS: Final = ("eu-ai-act", "actgate")
_TASK: Final = {"type": "other", "name": "Evaluation"}
_UNNAMED: Final = "not stated"


def render(page: Page, found: Evidence) -> str:
    """Return the card of a model with its metadata."""
    return f"---\n{documents.to_yaml(metadata(found))}---\n\n{markdown.render(page)}"


def metadata(found: Evidence) -> dict[str, Any]:
    """Return the metadata: tags, and each measured value in the hub's ``model-index``."""
    name = plain(found.spec.model.name)
    header: dict[str, Any] = {"model_name": name, "tags": list(TAGS)}
    results = [*_results(found)]
    if results:
        header["model-index"] = [{"name": name, "results": results}]
    return header


def _results(found: Evidence) -> Iterator[dict[str, Any]]:
    for row in measured(found):
        digest = None if row.stated.dataset is None else row.stated.dataset.digest
        yield {"task": _TASK.copy(), "dataset": _dataset(found, digest), "metrics": [_bias(row)]}
    for index, one in enumerate(found.spec.evaluations or ()):
        if one.value is not None:
            metric = _evaluation(one, f"spec.evaluations[{index}].value")
            yield {"task": _TASK.copy(), "dataset": _dataset(found, None), "metrics": [metric]}


def _dataset(found: Evidence, digest: str | None) -> dict[str, Any]:
    """Return the data of a result, by its name where the manifest states one for that digest."""
    named = next(
        (one for one in found.spec.datasets or () if digest is not None and one.digest == digest), None
    )
    stated = {"type": "evaluation-data", "name": _UNNAMED if named is None else plain(named.name)}
    return stated if digest is None else {**stated, "revision": digest}


def _bias(row: Measured) -> dict[str, Any]:
    metric: dict[str, Any] = {
        "type": row.stated.metric.value,
        "value": row.stated.value,
        "name": f"{row.stated.metric.value} ({plain(row.stated.attribute or 'attribute not stated')})",
        "args": {"field": f"spec.{row.path}.value", "attribute": plain(row.stated.attribute or _UNNAMED)},
    }
    if row.bounds is not None:
        metric["args"] |= {
            "confidence": row.confidence,
            "low": round(row.bounds.low, 6),
            "high": round(row.bounds.high, 6),
        }
    if row.limit is not None:
        metric["args"]["limit"] = row.limit
    return metric


def _evaluation(one: Evaluation, path: str) -> dict[str, Any]:
    kind = plain(one.metric or one.kind)
    return {"type": kind, "value": one.value, "name": f"{plain(one.kind)}: {kind}", "args": {"field": path}}
