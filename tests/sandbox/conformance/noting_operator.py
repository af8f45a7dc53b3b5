"""An operator of one handler: it writes down every event about a widget. Run by `kopf run`."""

from __future__ import annotations

import os
from pathlib import Path

import kopf


@kopf.on.event("conformance.test", "v1", "widgets")
def note(event: kopf.RawEvent, name: str, **_: object) -> None:
    """Append the event's type and the widget's name to the file that NOTES names."""
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(f"{event['type']} {name}\n")
