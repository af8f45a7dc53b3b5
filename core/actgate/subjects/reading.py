"""From any object to what is read of it: the one way of the webhook, the command line, records and scans.

``Workload`` reads the rows of ``kinds.yaml``, ``ServingObject`` those of ``serving_kinds.yaml`` and of an
administrator. Both say whether an object is judged, what of it is governed, and return its Subject.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from actgate.subjects.fields import METADATA, Json, Shape
from actgate.subjects.kinds import Kind, UnusableKindsError, kinds
from actgate.subjects.serving import ServingObject
from actgate.subjects.serving_kinds import (
    ServingKind,
    UnusableRow,
    duplicate,
    read_each,
    serving_kinds,
)
from actgate.subjects.workload import Workload, workload_images

Row = Kind | ServingKind
Reading = Workload | ServingObject


@dataclass(frozen=True, slots=True)
class Table:
    """The kinds that are known: those of the package, and those that an administrator adds."""

    rows: Mapping[tuple[str, str], Row]
    """By group and kind."""

    def row_of(self, obj: Json) -> Row | None:
        """Return the row of an object; None where its kind is not known."""
        kind, version = obj.get("kind"), obj.get("apiVersion")
        if not isinstance(kind, str) or not isinstance(version, str):
            return None
        return self.rows.get((version.rpartition("/")[0], kind))

    def extended(self, text: str) -> "Table":
        """Return this table with the rows of an administrator added.

        Args:
            text: Rows in the format of ``serving_kinds.yaml``.

        Raises:
            UnusableKindsError: They cannot be used, or one of them is known already: a row of the package
                is never replaced, since the new one could read less.
        """
        table, unusable = self.extended_where_usable(text)
        if unusable:
            raise UnusableKindsError(unusable[0].why)
        return table

    def extended_where_usable(self, text: str) -> tuple["Table", list[UnusableRow]]:
        """Return this table with those rows added that can be used, and why the others cannot.

        Raises:
            UnusableKindsError: The text is no file of rows.
        """
        rows, unusable = read_each(text)
        known = {(row.group, name) for row in self.rows.values() for name in (row.kind, row.plural)}
        added = dict[tuple[str, str], Row]()
        for row in rows:
            taken = next((name for name in (row.kind, row.plural) if (row.group, name) in known), None)
            if taken is None:
                added[row.group, row.kind] = row
            else:
                why = f"{duplicate(row.group, taken)}: a row that is known already cannot be replaced"
                unusable.append(UnusableRow(f"{row.kind}.{row.group}", why))
        return Table({**self.rows, **added}), unusable


@cache
def package_table() -> Table:
    """Return the kinds of the package."""
    return Table({**kinds(), **serving_kinds()})


def reading(obj: Json, row: Row | None = None) -> Reading | None:
    """Return what is read of an object; None where its kind is not known, or never judged.

    Args:
        obj: The object, as JSON.
        row: Its row; by default the one that the package has for its kind.
    """
    row = row or package_table().row_of(obj)
    if isinstance(row, Kind):
        return Workload(obj, row)
    return ServingObject(obj, row) if row is not None and row.judged != "never" else None


def shape_of(row: Row) -> Shape:
    """Return of what type each level of an object must be, so that nothing of it is hidden.

    Of a serving kind that is its metadata; what stands below is read wherever it is, and what cannot be
    read is a problem of the subject.
    """
    return row.shape if isinstance(row, Kind) else {"metadata": METADATA}


def images_of(obj: Json, row: Row | None = None) -> Iterator[tuple[str, str]]:
    """Yield (field, image) for everything that a pod of this object would run or mount as an image.

    Args:
        obj: The object, as JSON.
        row: Its row; by default the one that the package has for its kind.
    """
    found = reading(obj, row)
    if isinstance(found, ServingObject):
        return iter(found.images)
    return workload_images(obj)
