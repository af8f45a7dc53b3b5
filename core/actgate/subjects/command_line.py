"""What a container runs, as words: command and args one after the other, and what a shell is given by ``-c``.

It is read as Kubernetes and a POSIX shell would read it, as far as that goes without running it: quotes are
removed, variables of the container with a value of their own are put in. After ``-c`` every word is taken
for a script: options and their values may stand before it. What a shell computes stays unread, so the absence
of a word proves nothing. Nothing raises.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from actgate.subjects.fields import Json

FIELDS: Final = ("command", "args", "extraArgs")
"""What is put together to a command line; the last one is only in objects of serving systems."""
_SHELLS: Final = frozenset(
    {"sh", "bash", "rbash", "ash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"}
)
_RUN: Final = re.compile(r"-[a-zA-Z]*c[a-zA-Z]*")
"""The option after which a shell takes what it runs: ``-c``, also among others as in ``-ec``."""
_SPLIT: Final = re.compile(r"[\s;&|()<>'\"]+")
_LONGEST: Final = 16_384
"""Characters of a script that are read with its quotes; a longer one is cut at every quote."""
_DEEPEST: Final = 3
"""Shells within shells."""
_KUBELET: Final = re.compile(r"\$(?:(\$)|\(([^)]*)\))")
_SHELL: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|[({@*])|`")


MOST_READ: Final = 131_072
"""Units of work that are spent on the command lines of an object: one for each character that is split into
words, four for a word, and a sixteenth for each of its characters. An argument can have as many bytes."""


class Budget:
    """How much more of an object is read: a request waits for it, and its sender sets the length."""

    __slots__ = ("exceeded", "left")

    def __init__(self, left: int = MOST_READ) -> None:
        self.left = left
        self.exceeded = ""
        """The first field that was not read; empty where all of them were."""

    def spend(self, units: int, path: str) -> bool:
        """Return whether a field may still be read; after the first that may not, none may."""
        if self.exceeded:
            return False
        self.left -= units
        if self.left < 0:
            self.exceeded = path
        return not self.exceeded

    def word(self, text: str, path: str) -> bool:
        """Return whether a plain word may still be read."""
        return self.spend(4 + len(text) // 16, path)


class Word(NamedTuple):
    """One word of a command line, and the field that holds it."""

    text: str
    path: str

    @property
    def program(self) -> str:
        """The last component of the path that it may be: ``vllm`` of ``/usr/bin/vllm``."""
        return self.text.rpartition("/")[2]


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _reads_all(_script: str) -> bool:
    return False


def words(
    container: Json,
    path: str,
    variables: Mapping[str, str] = _NONE,
    budget: Budget | None = None,
    skips: Callable[[str], bool] = _reads_all,
) -> list[Word]:
    """Return the words of a container's command line.

    Args:
        container: As in a PodSpec.
        path: Where it stands.
        variables: Of the container, those with a value of their own.
        budget: How much of it is read; what is beyond is left out.
        skips: Says of a script of a shell that its words are not wanted.
    """
    budget = budget or Budget()
    stated: list[Word] = []
    for field in FIELDS:
        for index, item in enumerate(_list(container.get(field))):
            if isinstance(item, str):
                word = Word(_given(item, variables), f"{path}.{field}[{index}]")
                if not budget.word(*word):
                    return stated
                stated.append(word)
    if not any(word.program in _SHELLS for word in stated):
        return stated
    return list(_Shell(variables, budget, skips).unfolded(stated, _DEEPEST))


def runs_a_script(container: Json) -> bool:
    """Return whether the command line of a container gives a shell a script."""
    line = [item for field in FIELDS for item in _list(container.get(field))]
    shell = any(isinstance(item, str) and Word(item, "").program in _SHELLS for item in line)
    return shell and any(isinstance(item, str) and _RUN.fullmatch(item) for item in line)


class _Shell(NamedTuple):
    """Reads what shells are given."""

    variables: Mapping[str, str]
    budget: Budget
    skips: Callable[[str], bool]

    def unfolded(self, stated: list[Word], depth: int) -> Iterator[Word]:
        """Yield words, and in place of what a shell is given the words of that."""
        shell = scripts = False
        for word in stated:
            if scripts and depth:
                if not self._skipped(word.text):
                    yield from self.unfolded(list(self._parts(word)), depth - 1)
                continue
            shell = shell or word.program in _SHELLS
            scripts = shell and _RUN.fullmatch(word.text) is not None
            yield word

    def _skipped(self, script: str) -> bool:
        """Return whether a script need not be split; a variable that stands in it may hold any word."""
        return ("$" not in script or not self.variables) and self.skips(script)

    def _parts(self, script: Word) -> Iterator[Word]:
        """Yield the words of a script; a variable that is known is its value, split into words again."""
        text, path = script
        if not self.budget.spend(len(text), path):
            return
        for part in _split(text):
            given = resolved(part, self.variables) if "$" in part and self.variables else None
            if given is None or given == part:
                yield Word(part, path)
            elif self.budget.spend(len(given), path):
                yield from (Word(inner, path) for inner in _split(given))


def _given(item: str, variables: Mapping[str, str]) -> str:
    """Return an item of a command line as the kubelet gives it, where it can be known; else as it is stated.

    One with ``$$`` stays as it is: what is read of it later must not be taken for a variable.
    """
    if "$(" not in item or "$$" in item:
        return item
    given = expanded(item, variables)
    return item if given is None else given


@lru_cache(maxsize=256)  # Each replica of a workload, and each of its updates, has the same script.
def _split(script: str) -> tuple[str, ...]:
    plain = script.replace("\\\n", " ")
    if len(plain) <= _LONGEST:
        lexer = shlex.shlex(plain, posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            return tuple(lexer)
        except ValueError:  # A quote without its end.
            pass
    return tuple(part for part in _SPLIT.split(plain) if part)


def expanded(text: str, variables: Mapping[str, str]) -> str | None:
    """Return a value as the kubelet gives it to a container; None where a variable in it is not known.

    ``$(NAME)`` is the value of a variable, and ``$$`` a plain ``$``:
    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return _replaced(_KUBELET, text, lambda match: match[1] or variables.get(match[2]))


def resolved(text: str, variables: Mapping[str, str]) -> str | None:
    """Return a word as a shell in the container would read it; None where it is not known before it runs."""
    given = expanded(text, variables)
    if given is None:
        return None
    return _replaced(_SHELL, given, lambda match: variables.get(match[1] or match[2]))


def _replaced(
    pattern: re.Pattern[str], text: str, value: Callable[[re.Match[str]], str | None]
) -> str | None:
    """Return a text with values put in; None where one is not known, or all are longer than an argument."""
    values: list[str] = []
    length = 0
    for match in pattern.finditer(text):
        found = value(match)
        if found is None or (length := length + len(found)) > MOST_READ:
            return None
        values.append(found)
    following = iter(values)
    return pattern.sub(lambda _: next(following), text)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
