"""Reading what can be read: a field that is wrong is reported and cut out, and the rest is kept.

A required field that is missing, or had to be cut out, takes the object around it along. So one
pass of fixing is enough: every other rule still judges what is left. What was cut out left a
problem, and a problem always fails; nothing passes for being unreadable.
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from actgate.api.paths import Location
from actgate.decision.manifest import Problem
from actgate.manifests.shape import problem

M = TypeVar("M", bound=BaseModel)
MAX_PROBLEMS: Final = 64
"""More problems than these are counted, not listed."""


class Pruned(Generic[M]):
    """A strictly validated model of what could be read, and the problems of what could not.

    Args:
        model: The pydantic model to read into.
        document: The document; never changed.
        root: Location of the document within the whole object, for the problems' paths.
        stand_ins: Values for required fields of the document itself, which cannot be cut out.
    """

    def __init__(
        self,
        model: type[M],
        document: Mapping[str, Any],
        root: Location,
        stand_ins: Mapping[str, Any],
    ) -> None:
        self._model = model
        self._document = document
        self._root = root
        self._stand_ins = stand_ins
        self._cut: set[Location] = set()
        self.kept: dict[Location, list[int]] = {}
        """For each list from which items were cut out, where those that are left stood in it."""
        self._problems: list[Problem] = []
        self._further = 0
        self.value: M = self._read()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every field that could not be read, at most ``MAX_PROBLEMS`` and a count of the others."""
        if not self._further:
            return tuple(self._problems)
        more = Problem(
            "spec", f"Invalid value: {self._further} more fields cannot be read", "fix the listed ones first"
        )
        return (*self._problems, more)

    def stood_in(self, field: str) -> bool:
        """Return whether a required field of the document was replaced by its stand-in."""
        return (field,) in self._cut

    def original(self, location: Location) -> Location:
        """Return where a part of the value stands in the document, lists counted before the cuts."""
        found: Location = ()
        for step in location:
            kept = self.kept.get(found)
            found = (*found, kept[step] if kept is not None and isinstance(step, int) else step)
        return found

    def _read(self) -> M:
        rest = self._document
        while True:
            try:
                return self._model.model_validate(rest, by_alias=True, by_name=False)
            except ValidationError as error:
                before = len(self._cut)
                self._cut_out(error)
                if len(self._cut) == before:  # nothing that could be named: keep nothing of it
                    self._cut |= {(key,) for key in self._document}
                self.kept = {}
                rest = {**self._stand_ins_needed(), **self._rest()}

    def _cut_out(self, error: ValidationError) -> None:
        for detail in error.errors(include_url=False):
            location = self.original(detail["loc"])
            if location not in self._cut:
                self._report(problem(detail, (*self._root, *location)))
            inner = detail["type"] == "missing" and len(location) > 1
            self._cut.add(location[:-1] if inner else location)

    def _report(self, found: Problem) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(found)
        else:
            self._further += 1

    def _stand_ins_needed(self) -> dict[str, Any]:
        return {key: value for key, value in self._stand_ins.items() if (key,) in self._cut}

    def _rest(self) -> dict[str, object]:
        kept = {key: item for key, item in self._document.items() if (key,) not in self._cut}
        return {key: self._remaining(item, (key,)) for key, item in kept.items()}

    def _remaining(self, value: object, location: Location) -> object:
        if isinstance(value, dict):
            return {
                key: self._remaining(item, (*location, key))
                for key, item in value.items()
                if (*location, key) not in self._cut
            }
        if isinstance(value, list):
            kept = [index for index in range(len(value)) if (*location, index) not in self._cut]
            if len(kept) < len(value):
                self.kept[location] = kept
            return [self._remaining(value[index], (*location, index)) for index in kept]
        return value
