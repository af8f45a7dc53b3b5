"""What a run learns from: data sets and base models, each by the digest of all of its bytes."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate.api.quoting import quoted
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.audit import files
from actgate.pipeline.model_digest import of_model
from actgate.pipeline.model_files import Identity, ModelDigestError

StatedPaths = Iterable[str | os.PathLike[str]]
_DIGEST: Final = re.compile(r"(?:(?P<name>[^@]*)@)?(?P<digest>sha256:[0-9a-f]{64})")
_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)=(?P<path>.+)", re.DOTALL)
_LONGEST: Final = 253


@dataclass(frozen=True, slots=True)
class Artefact:
    """A data set or a model."""

    name: str
    digest: str

    def dataset(self) -> dict[str, Any]:
        """Return it as an item of ``spec.datasets``."""
        return {"name": self.name, "digest": self.digest}

    @property
    def reference(self) -> str:
        """As an item of ``spec.lineage.baseModels``: NAME@sha256:..."""
        return f"{self.name}@{self.digest}"


class Datasets:
    """The data sets of a run, as they were before it."""

    def __init__(self, stated: StatedPaths) -> None:
        """Take the digests of data sets: each a path or glob, with ``NAME=`` before it or not.

        Raises:
            EvidenceError: There is no such file, two have one name, or one was written meanwhile.
        """
        self._found: dict[str, tuple[str, dict[str, Identity]]] = {}
        artefacts = []
        for argument in (os.fspath(one) for one in stated):
            named = _NAMED.fullmatch(argument) if not os.path.exists(argument) else None  # noqa: PTH110
            path = named["path"] if named else argument
            data = files.listed([path], any_format=True)
            name = named["name"] if named else data.called
            if name in self._found:
                raise EvidenceError(
                    f"dataset: Duplicate value: {quoted(name)}: must be a name that no other has: "
                    f"write NAME={path}"
                )
            self._found[name] = path, data.files
            artefacts.append(Artefact(name, files.digest_of(files.taken(data))))
        self.artefacts = tuple(artefacts)
        self.require_unchanged()

    def require_unchanged(self) -> None:
        """Raise if a file was written, appeared or went away since its digest was taken."""
        for name, (path, before) in self._found.items():
            now = files.listed([path], any_format=True).files
            changed = next((one for one in (*before, *now) if before.get(one) != now.get(one)), None)
            if changed is not None:
                raise EvidenceError(
                    f"dataset {quoted(name)}: {changed} changed during the run: train again when nothing "
                    "writes to the data"
                )


def base_model(stated: str | os.PathLike[str]) -> Artefact:
    """Return a base model: ``[NAME@]sha256:HEX``, or a path, hashed as ``actgate model digest`` does.

    Raises:
        EvidenceError: There is no such model.
    """
    text = os.fspath(stated)
    if found := _DIGEST.fullmatch(text):
        return _sound(Artefact(found["name"] or "base-model", found["digest"]))
    taken = model(text)
    return _sound(Artefact(taken["name"], taken["digest"]))


def model(path: str | os.PathLike[str], ignore: Iterable[str] = ()) -> dict[str, str]:
    """Return the model at a path, as ``spec.model`` has it.

    Raises:
        EvidenceError: There is no such model.
    """
    try:
        found = of_model(path, ignore=[*ignore])
    except ModelDigestError as error:
        raise EvidenceError(str(error)) from None
    return {"name": Path(path).resolve().name, **found.stated}


def _sound(artefact: Artefact) -> Artefact:
    if len(artefact.reference) > _LONGEST:
        raise EvidenceError(f"base model: the name {quoted(artefact.name)} is too long: must be shorter")
    return artefact
