"""Files that are generated from code: written by ``make generate``, held against the code by ``make lint``.

``GENERATORS`` is the only list of them. A path that ends in ``/`` is a folder whose YAML files are all
generated; any other is one file. Of the files that ``versions.FOLLOWERS`` lists the version alone is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tools import (
    chart,
    chart_values,
    crd,
    decision_index,
    detection_reference,
    inspect_reference,
    kinds_reference,
    public_api,
    registration,
    rule_reference,
    scan_reference,
    settings_reference,
    subject_rights,
    versions,
)


def _definitions() -> dict[str, str]:
    return {name: crd.render(definition) for name, definition in crd.definitions().items()}


GENERATORS: Final[Mapping[str, Callable[[], dict[str, str] | str]]] = {
    "crds/": _definitions,
    "docs/adr/index.md": decision_index.index,
    "docs/rules.md": rule_reference.reference,
    "docs/configuration.md": settings_reference.reference,
    "docs/detection.md": detection_reference.reference,
    "docs/inspect.md": inspect_reference.reference,
    "core/actgate/cli/report/inspect.schema.json": inspect_reference.schema,
    "docs/scan.md": scan_reference.reference,
    "core/actgate/cli/report/scan.schema.json": scan_reference.schema,
    "docs/kinds.md": kinds_reference.reference,
    "docs/public-api.md": public_api.reference,
    "deploy/base/subject-rbac.yaml": subject_rights.roles,
    "deploy/base/webhook-registration.yaml": registration.registration,
    "operator/actgate_operator/registration/generated.json": registration.expected,
    "deploy/chart/crds/": _definitions,
    "deploy/chart/templates/generated/": chart.templates,
    "deploy/chart/files/dashboard.json": chart.dashboard,
    "deploy/chart/values.yaml": chart_values.defaults,
    "docs/chart.md": chart_values.reference,
}
"""What makes the text of a file, or of each file of a folder by its name, by the path in the checkout."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the files; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: this folder)")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail when a file is stale")
    parser.add_argument(
        "paths", nargs="*", help="only what starts so, such as crds or docs (default: everything)"
    )
    options = parser.parse_args(arguments)
    prefixes = tuple(options.paths) or ("",)
    wanted = generated(prefixes) | versions.followed(options.root, prefixes)
    changed = stale(options.root, wanted)
    if options.check:
        if changed:
            print(
                f"error: {', '.join(changed)}: not what the code generates; run `make generate`",
                file=sys.stderr,
            )
        return 1 if changed else 0
    for path in changed:
        if path in wanted:
            (options.root / path).parent.mkdir(parents=True, exist_ok=True)
            (options.root / path).write_text(wanted[path], encoding="utf-8")
        else:
            (options.root / path).unlink()
    return 0


def generated(prefixes: tuple[str, ...] = ("",)) -> dict[str, str]:
    """Return the text of every generated file by its path in the checkout."""
    texts: dict[str, str] = {}
    for path in GENERATORS:
        if path.startswith(prefixes):
            made = _made(path)
            texts |= {path: made} if isinstance(made, str) else {path + name: made[name] for name in made}
    return texts


@cache
def _made(path: str) -> dict[str, str] | str:
    """Generate once for each process: the code, from which all of it comes, does not change meanwhile."""
    return GENERATORS[path]()


def stale(root: Path, wanted: Mapping[str, str]) -> list[str]:
    """Return the paths that are missing, differ, or stand in a generated folder without being generated."""
    folders = {path.rpartition("/")[0] for path in wanted if path.rpartition("/")[0] + "/" in GENERATORS}
    present = {f"{folder}/{file.name}" for folder in folders for file in (root / folder).glob("*.yaml")}
    return sorted(path for path in wanted.keys() | present if _read(root / path) != wanted.get(path))


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
