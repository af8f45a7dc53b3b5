"""All tables of ways, by the headings of docs/bypasses.md."""

from __future__ import annotations

from typing import Final

from tests.e2e.bypasses.changes import CHANGED
from tests.e2e.bypasses.hidden import HIDDEN
from tests.e2e.bypasses.marks import LOADED, MARKS
from tests.e2e.bypasses.owners import OWNED
from tests.e2e.bypasses.place import Way
from tests.e2e.bypasses.rights import EVIDENCE, GATE
from tests.e2e.bypasses.serving import SERVING

TABLES: Final[dict[str, list[Way]]] = {
    "Nothing is said": HIDDEN,
    "Marks and links": MARKS,
    "Something else is loaded": LOADED,
    "What was admitted is changed": CHANGED,
    "Kinds of serving systems": SERVING,
    "Owners and controllers": OWNED,
    "Evidence and policies": EVIDENCE,
    "The gate itself": GATE,
}
