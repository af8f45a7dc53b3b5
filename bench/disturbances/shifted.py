"""The webhook with a wall clock that can be set while it runs: ``shifted.py FILE FLAG ...``.

FILE holds the seconds by which the clock is ahead. The webhook reads the time of day from ``datetime.now`` in
modules of its own, of the lookup and of its certificate, and by nothing else; each is given one that looks
into the file.
Clocks that only measure how long something took cannot be set, and stay.
"""

import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from actgate_webhook import __main__ as program
from actgate_webhook import serving as serving  # the program imports it when it runs, too late for shift


def shift(ahead: Path) -> None:
    """Give every module of the webhook that asks for the time a clock that a file can set."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=float(ahead.read_text("ascii")))

    for name, module in list(sys.modules.items()):
        if (
            name.startswith(("actgate_webhook.", "actgate.lookup.", "actgate.runtime.tls"))
            and getattr(module, "datetime", None) is datetime
        ):
            module.datetime = Shifted  # type: ignore[attr-defined]


if __name__ == "__main__":
    shift(Path(sys.argv.pop(1)))
    program.main()
