"""Mutation testing: which changes of a rule does no test notice?

``make mutation`` (``python -m tools.mutation [PATTERN...]``, in an environment that has mutmut). mutmut
writes the mutants of each function, beside the original and switched by name. Here they are tried in one
process with pytest: tests are collected once, and a mutant is a fork that runs the tests of its function,
those of its own module first, until one fails, which takes a fraction of the time. Verdicts stand in
``build/mutation``; a second run only tries what is new or survived, and ``mutmut show NAME`` there has the
difference.

What runs when a module is imported, or is cached from then on, was computed before a mutant is switched on:
such a survivor says nothing. Texts are not mutated; ``tests/decision/test_words.py`` holds them.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
WHERE: Final = ROOT / "build/mutation"
PARTS: Final = ("decision", "attestations")
"""Packages whose mutants are tried; the tests are those in the folder of the same name under ``tests/``."""
SHARED: Final = ("crds", "examples")
SECONDS: Final = 60
"""CPU time after which a mutant that loops is noticed."""
SLOW: Final = (
    "tests/decision/test_links.py::test_several_links_never_allow_what_one_of_them_alone_refuses",
    "tests/decision/test_residency_text.py::test_no_text_raises",
)
"""Searches that cost more than they find here."""
MAP: Final = WHERE / "map.json"
"""Which functions each test runs, and how long it takes."""
WORDS: Final = "test_words.py"
"""Its tests are tried early: they hold every sentence."""
KILLED, SURVIVED, UNTESTED = 1, 0, 33
"""Exit codes, as mutmut keeps them."""
CONFIG: Final = f"""\
[tool.mutmut]
source_paths = ["actgate"]
only_mutate = {[f"actgate/{part}/*" for part in PARTS]}
also_copy = {list(SHARED)}
use_git_change_detection = false
[tool.pytest]
addopts = ["--import-mode=importlib"]
markers = ["api_server", "system"]
filterwarnings = ["error"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
"""
CONFTEST: Final = "from tests.support.properties import load_profile\n\nload_profile()\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every mutant whose name has one of the patterns; return 0, as survivors may be explained."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="names of mutants (default: all)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=2.0,
        help="CPU time that tests of other modules may take of a mutant (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    _prepare()
    os.chdir(WHERE)  # mutmut reads its configuration when it is imported.
    import pytest
    from mutmut import __main__ as mutmut
    from mutmut.mutation import mutators
    from mutmut.mutation.trampoline import set_mutant_under_test

    mutators.mutation_operators[:] = [
        (node, change)
        for node, change in mutators.mutation_operators
        if change is not mutators.operator_string
    ]
    set_mutant_under_test("mutant_generation")
    with Path("generation.log").open("w") as log, contextlib.redirect_stdout(log):
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(os.cpu_count() or 1)
    data = [mutmut.SourceFileMutationData(path=path) for path in mutmut.walk_mutatable_files()]
    for one in data:
        one.load()
    set_mutant_under_test("")
    os.chdir("mutants")
    trial = Trial([one for one in data if one.exit_code_by_key], options.patterns, options.seconds)
    selected = [
        "-s",
        "-p",
        "no:logging",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        "-m",
        "not system and not api_server",
    ]
    selected += [f"--deselect={name}" for name in SLOW]
    code = pytest.main([*selected, *(f"tests/{folder}" for folder in PARTS)], plugins=[trial])
    trial.report()
    return 0 if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else int(code)


def _prepare() -> None:
    """Lay out the sources as mutmut wants them: packages at the top."""
    WHERE.mkdir(parents=True, exist_ok=True)
    for source, target in (
        (ROOT / "core/actgate", WHERE / "actgate"),
        *((ROOT / "tests" / name, WHERE / "tests" / name) for name in ("support", *PARTS)),
        *((ROOT / name, WHERE / name) for name in SHARED),
    ):
        _mirror(source, target)
    (WHERE / "tests/__init__.py").touch()
    (WHERE / "tests/conftest.py").write_text(CONFTEST)
    (WHERE / "pyproject.toml").write_text(CONFIG)


def _mirror(source: Path, target: Path) -> None:
    """Copy what changed, so that the verdicts of what did not are kept."""
    wanted = {one.relative_to(source) for one in source.rglob("*") if one.is_file() and one.suffix != ".pyc"}
    for one in target.rglob("*"):
        if one.is_file() and one.relative_to(target) not in wanted:
            one.unlink()
    for one in wanted:
        if not (target / one).exists() or (target / one).read_bytes() != (source / one).read_bytes():
            (target / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / one, target / one)


class Trial:
    """A plugin of pytest that tries the mutants in place of running the tests."""

    def __init__(self, data: Sequence[Any], patterns: Sequence[str], seconds: float) -> None:
        self.data, self.patterns, self.seconds = data, patterns or ("*",), seconds
        self.failed = False
        self.tests: dict[str, list[Any]] = {}
        """Tests of each function: those of its own module first, and the quickest of them."""

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - a report of pytest
        """Note a failure."""
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: Any) -> bool:  # noqa: ANN401 - a session of pytest
        """Find the tests of each function, then try each mutant that no test is known to notice."""
        self._map(session.items)
        gc.collect()
        gc.freeze()  # A collection in a fork would copy every page that it visits.
        started = last = time.monotonic()
        running: dict[int, tuple[Any, str]] = {}
        waiting = [*self._open()]
        for tried, (one, name) in enumerate(waiting):
            items = self.tests.get(name.partition("__mutmut_")[0])
            if not items:
                one.exit_code_by_key[name] = UNTESTED
                continue
            if len(running) == (os.cpu_count() or 1):
                self._end(running)
            running[self._start(name, items)] = one, name
            if time.monotonic() - last > 30:
                last = time.monotonic()
                self._save()
                print(f"{tried} of {len(waiting)} in {last - started:.0f} s, at {name}", flush=True)
        while running:
            self._end(running)
        self._save()
        print(f"{len(waiting)} tried in {time.monotonic() - started:.0f} s", flush=True)
        return True

    def report(self) -> None:
        """Print the numbers of each module, and the survivors."""
        print(f"{'module':44} mutants  killed survived untested")
        whole: Counter[int] = Counter()
        for one in self.data:
            numbers = Counter(code for code in one.exit_code_by_key.values() if code is not None)
            whole.update(numbers)
            print(_line(str(one.path), numbers))
        print(_line("all", whole))
        for one in self.data:
            for name, code in one.exit_code_by_key.items():
                if code in (SURVIVED, UNTESTED):
                    print(f"{'survived' if code == SURVIVED else 'untested'}: {name}")

    def _open(self) -> Iterator[tuple[Any, str]]:
        for one in self.data:
            for name, code in one.exit_code_by_key.items():
                if code != KILLED and any(fnmatch.fnmatch(name, pattern) for pattern in self.patterns):
                    yield one, name

    def _map(self, items: Sequence[Any]) -> None:
        from mutmut.mutation.trampoline import set_mutant_under_test
        from mutmut.state import state

        set_mutant_under_test("stats")
        sources = _digest(path for part in PARTS for path in Path("actgate", part).rglob("*.py"))
        before = json.loads(MAP.read_text()) if MAP.exists() else {}
        known: dict[str, tuple[str, float, list[str]]] = {}
        for item in items:
            state_now = sources + _digest([item.path])
            if before.get(item.nodeid, [""])[0] == state_now:
                known[item.nodeid] = before[item.nodeid]
                continue
            state()._stats.clear()
            start = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            known[item.nodeid] = state_now, time.process_time() - start, sorted(state()._stats)
        set_mutant_under_test("")
        if self.failed:
            raise SystemExit("the tests fail without a mutant: run them by themselves")
        MAP.write_text(json.dumps(known))
        for item in items:
            for function in known[item.nodeid][2]:
                self.tests.setdefault(function, []).append(item)
        for function, found in self.tests.items():
            near = (f"test_{function.split('.')[-2]}.py", WORDS)
            found.sort(key=lambda item: known[item.nodeid][1])
            far = [item for item in found if item.path.name not in near]
            spent = accumulate(known[item.nodeid][1] for item in far)
            self.tests[function] = [item for item in found if item.path.name in near]
            self.tests[function] += [
                item for item, sum_ in zip(far, spent, strict=True) if sum_ < self.seconds
            ]

    def _start(self, name: str, items: Sequence[Any]) -> int:
        child = os.fork()
        if child == 0:
            self._run(name, items)
        return child

    def _end(self, running: dict[int, tuple[Any, str]]) -> None:
        """Wait for one of the forks, and keep its verdict."""
        child, status = os.waitpid(-1, 0)
        one, name = running.pop(child)
        one.exit_code_by_key[name] = os.waitstatus_to_exitcode(status) and KILLED

    def _run(self, name: str, items: Sequence[Any]) -> None:
        """Run tests until one fails, and end the process; a mutant that loops is ended by the system."""
        import resource

        from mutmut.mutation.trampoline import set_mutant_under_test

        code = KILLED
        try:
            used = int(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, used + 2 * SECONDS))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 1)
            os.dup2(devnull, 2)
            set_mutant_under_test(name)
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self.failed:
                    break
            else:
                code = SURVIVED
        finally:
            os._exit(code)

    def _save(self) -> None:
        os.chdir("..")
        for one in self.data:
            one.save()
        os.chdir("mutants")


@cache
def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(paths: Iterable[Path]) -> str:
    return hashlib.sha256("".join(map(_digest_of, sorted(paths))).encode()).hexdigest()


def _line(name: str, numbers: Counter[int]) -> str:
    return f"{name:44} {numbers.total():7} {numbers[KILLED]:7} {numbers[SURVIVED]:8} {numbers[UNTESTED]:8}"


if __name__ == "__main__":
    os.environ.setdefault("HYPOTHESIS_PROFILE", "quick")
    sys.exit(main())
