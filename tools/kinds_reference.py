"""The page of the kinds that are judged, from their table."""

from collections.abc import Iterable

from actgate.api.names import INFERENCE_LABEL, MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.subjects.kinds import Kind, kinds

_HEAD = f"""\
# Kinds that are judged

This page is generated from `core/actgate/subjects/kinds.yaml` (`make generate`), as are the rules and match
conditions of the webhook's registration. [Concepts](concepts.md#what-is-judged) says when each is judged.

A kind is judged *always*, or where it is *declared*: where the label `{INFERENCE_LABEL}` or an annotation
of actgate says that it serves a model. Labels and annotations are read in each metadata that is named here;
the last one is that of the pods and must hold the whole link. Of the pods, the images of all containers and
image volumes are judged, and the node selector and node affinity that bind them to a place.
"""


def reference() -> str:
    """Return the page: a table of the kinds, then where each states what is judged."""
    table = ["| kind | resource | judged | labels and annotations in | pods |", "|---|---|---|---|---|"]
    return "\n".join([_HEAD, *table, *map(_row, kinds().values()), "", _fields(kinds().values())])


def _row(row: Kind) -> str:
    names = [row.plural, *(f"{row.plural}/{subresource}" for subresource in row.subresources)]
    resources = ", ".join(f"`{name}.{row.group}`" if row.group else f"`{name}`" for name in names)
    marks = ", ".join(f"`{path.text}`" for path in row.marks)
    judged = "always" if row.always else "declared"
    pods = f"`{row.pods.spec.text}`" + (", merged over the planned ones" if row.pods.overlay else "")
    return f"| {row.kind} | {resources} | {judged} | {marks} | {pods} |"


def _fields(rows: Iterable[Kind]) -> str:
    lines = [
        "The manifest and the model are stated by the pods' annotations "
        f"`{MANIFEST_ANNOTATION}` and `{MODEL_ANNOTATION}`,\nand by fields in:\n"
    ]
    for row in rows:
        if row.manifest is not None and row.placement is not None:
            images = ", ".join(f"`{path.text}`" for path in row.images)
            lines.append(
                f"- **{row.kind}**: manifest `{row.reference}`, model `{row.model_path}`, regions "
                f"`{row.placement.text}`, image {images}"
            )
    return "\n".join(lines) + "\n"
