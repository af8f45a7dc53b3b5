"""The schema of ``actgate inspect -o json``, and the page that says what its fields mean."""

import json
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from actgate.cli.inspect import Inspected, Inspection

_HEAD: Final = """\
# actgate inspect

`actgate inspect -f FILE...` shows what actgate reads of each object, and why the gate judges it or not. It
makes no verdict, asks no cluster and sends nothing anywhere: use it to find out why a refusal names a field,
where to link evidence, or why a workload is not judged at all. This page is generated (`make generate`).

```console
$ actgate inspect -f service.yaml
service.yaml:1: serving.kserve.io/v1beta1 InferenceService credit/scorer
  judged: every InferenceService is
  link        credit-risk-scorer-v2
  loads       spec.predictor.model.storageUri: s3://models/credit/3
  placement   spec.predictor.nodeSelector[topology.kubernetes.io/region]: ?/eu-west-3
  not stated  spec.predictor.model.runtime
```

Exit codes: 0 when something of the input is judged, 2 when the input or the command cannot be used, 3 when
nothing of it is judged. `--kinds FILE` adds rows, as [kinds](kinds.md#rows-of-your-own) describes.

| why | what it means |
|---|---|
| `Always` | the kind serves models by what it is |
| `Declared` | a label or annotation of actgate says that it serves a model |
| `Detected` | its [signals](detection.md) show it; the policy's `detection` says what follows |
| `Unmarked` | of a kind that can be judged, and neither declared nor detected |
| `Never` | the kind serves nothing by itself; the reason says what answers for it |
| `UnknownKind` | no row says how the kind is read |
| `NoObject` | not an object with fields |

`-o json` keeps to `inspect.schema.json` in the package `actgate.cli.report`: `{"format": "actgate.inspect/1",
"objects": [...]}`, with these fields for each object.

| field | what it holds |
|---|---|
"""


def schema() -> str:
    """Return the JSON Schema of the report."""
    made = Inspection.model_json_schema(by_alias=True, mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **made}, indent=2) + "\n"


def reference() -> str:
    """Return the page."""
    return _HEAD + "".join(f"{row}\n" for row in rows(Inspected, ""))


def rows(part: type[BaseModel], above: str) -> Iterator[str]:
    """Yield a row of a table for each field of a model, and of those within it."""
    for name, field in part.model_fields.items():
        inner = _part(field.annotation)
        many = "[]" if getattr(field.annotation, "__origin__", None) is list else ""
        path = f"{above}{field.alias or name}{many}"
        yield f"| `{path}` | {field.description} |"
        if inner is not None:
            yield from rows(inner, f"{path}.")


def _part(annotation: object) -> type[BaseModel] | None:
    """Return the model within a list or an optional field."""
    found = (annotation, *getattr(annotation, "__args__", ()))
    return next((item for item in found if isinstance(item, type) and issubclass(item, BaseModel)), None)
