"""Argo CD's judgement of a ModelDeployment: our health script, in the Lua that Argo CD runs it in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from lupa import lua51

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "gitops" / "argocd"
SCRIPT: Final = FOLDER / "actgate.dev" / "ModelDeployment" / "health.lua"

# Argo CD opens the libraries base, package, table and a safe part of os, and no others.
_CLOSED: Final = ("string", "math", "io", "debug", "coroutine", "dofile", "loadfile", "python")


class Health(NamedTuple):
    """What the script returned."""

    status: str
    """Healthy, Progressing, Degraded or Suspended."""
    message: str


def health(obj: dict[str, Any]) -> Health:
    """Return the health of an object; a script that fails raises, as Argo CD would say Unknown."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    for name in _CLOSED:
        lua.globals()[name] = None
    lua.globals()["obj"] = lua.table_from(obj, recursive=True)
    answer: Any = lua.execute(_script())
    return Health(answer["status"], answer["message"])


@cache
def _script() -> str:
    return SCRIPT.read_text(encoding="utf-8")
