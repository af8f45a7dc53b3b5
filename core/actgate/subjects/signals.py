"""Signals: by what a workload looks like a model server, and what it says that it loads.

The rules are data (``signals.yaml``). Of a pod every container counts, native sidecars and ephemeral ones
included, and what hooks and probes run in it. An init container serves, too, where its image or command is
that of a server, since it need not end; its hints do not count, since it may only fetch what is loaded.
Whatever is not of the type that Kubernetes asks for shows nothing here, and is a problem elsewhere. Nothing
raises.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import islice
from typing import Final

from actgate.decision.rule_ids import LINK_MODEL
from actgate.decision.subject import Detection, ModelReference, Signal, SignalTier, SubjectProblem
from actgate.subjects.command_line import (
    FIELDS,
    MOST_READ,
    Budget,
    Word,
    expanded,
    resolved,
    runs_a_script,
    words,
)
from actgate.subjects.fields import MAPS, Json, map_at
from actgate.subjects.signal_rules import CommandRule, HintRule, image_rule, signal_rules

VARIABLES: Final = ("env", "envs")
"""Where variables are; the second one is only in objects of serving systems."""
UNREAD: Final = "command/unread"
"""The signal of what is too long to be read: unknown is never fine."""
_TOO_LONG: Final = f"over {MOST_READ} characters"
_MODEL: Final = "model"
_REFERENCE: Final = 128
"""Units that something costs which is loaded: each is compared with the evidence."""
_SHOWN: Final = 200
"""Characters of a value that are kept."""
_HOOKS: Final = ("postStart", "preStop")
_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
_RUNNING: Final = (*FIELDS, *VARIABLES, "lifecycle", *_PROBES)
_QUOTING: Final = str.maketrans("", "", "'\"\\")
_HUB: Final = ("https://huggingface.co/", "https://hf.co/")


@dataclass(slots=True)
class Observed:
    """What the parts of an object show, collected."""

    strong: list[Signal] = field(default_factory=list)
    hints: list[tuple[str, Signal]] = field(default_factory=list)
    """(family, signal)"""
    references: list[ModelReference] = field(default_factory=list)
    """What it says that it loads."""
    unstated: list[str] = field(default_factory=list)
    """Fields that name a model, and whose value stands in another object."""
    named: list[str] = field(default_factory=list)
    """Values that name a model, whether they are what is loaded or only what it is called."""
    budget: Budget = field(default_factory=Budget, compare=False)
    """How much more is read; what is not read could be anything."""

    def problems(self) -> Iterator[SubjectProblem]:
        """Yield what could not be read."""
        if self.budget.exceeded:
            yield SubjectProblem(
                LINK_MODEL,
                self.budget.exceeded,
                f"Too long: what the containers run must have at most {MOST_READ} characters together",
                "put long scripts into the image, and name the model in an argument",
            )

    def detection(self, *, trains: bool = False) -> Detection | None:
        """Return what the signals add up to.

        Args:
            trains: Whether a verified owner makes pods for training, which takes hints away.
        """
        unread = self.budget.exceeded
        if self.strong or unread:
            beyond = [Signal(UNREAD, unread, _TOO_LONG)] if unread else []
            return Detection(SignalTier.STRONG, (*self.strong, *beyond))
        if trains or not self.hints:
            return None
        families = {family for family, _ in self.hints}
        likely = _MODEL in families and len(families) > 1
        tier = SignalTier.LIKELY if likely else SignalTier.WEAK
        return Detection(tier, tuple(signal for _, signal in self.hints))


def observe_labels(labels: Json, path: str, observed: Observed) -> None:
    """Add what labels show.

    Args:
        labels: Of an object, or of its pods.
        path: Where they stand.
        observed: Takes what is found.
    """
    for rule in signal_rules().labels:
        for key in rule.keys:
            value = labels.get(key)
            if isinstance(value, str) and (not rule.values or value in rule.values):
                signal = Signal(rule.id, f"{path}[{key}]", value[:_SHOWN])
                if rule.tier == "strong":
                    observed.strong.append(signal)
                else:
                    observed.hints.append(("label", signal))


def observe_pod(spec: Json, path: str, observed: Observed) -> None:
    """Add what a PodSpec shows.

    Args:
        spec: The PodSpec.
        path: Where it stands.
        observed: Takes what is found.
    """
    for listed in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in _items(spec.get(listed)):
            at = f"{path}.{listed}[{index}]"
            serves = listed != "initContainers" or container.get("restartPolicy") == "Always"
            observe_container(container, at, observed, serves=serves)
    claims, volumes = spec.get("resourceClaims"), spec.get("volumes")
    if not claims and not volumes:
        return
    for hint in _pod_hints():
        if hint.claims and next(_items(claims), None) is not None:
            _hint(hint, f"{path}.resourceClaims", "", observed)
        if hint.volume:
            for index, volume in _items(volumes):
                if hint.volume in volume:
                    _hint(hint, f"{path}.volumes[{index}].{hint.volume}", "", observed)


def observe_container(container: Json, path: str, observed: Observed, *, serves: bool = True) -> None:
    """Add what a container shows.

    Args:
        container: As in a PodSpec, or as a serving kind has it.
        path: Where it stands.
        observed: Takes what is found.
        serves: False for an init container, which may only fetch what is loaded: its hints do not count.
    """
    shown = observed
    if not serves:
        shown = replace(observed, hints=[], named=[])
    image = container.get("image")
    if isinstance(image, str) and (rule := image_rule(image)) is not None:
        signal = Signal(rule.id, f"{path}.image", image[:_SHOWN])
        if rule.tier == "strong":
            shown.strong.append(signal)
        else:
            shown.hints.append(("image", signal))
    variables = _variables(container, path, shown)
    for at, program in ((path, container), *_hooks(container, path)):
        # What a script fetches may stand in any word of it.
        fetches = not serves or program is not container or runs_a_script(program)
        wanted = () if fetches else (_shows_nothing,)
        line = words(program, at, variables, shown.budget, *wanted)
        _commands(line, variables, shown)
        _flags(line, variables, shown)
        if fetches:
            _fetched(line, variables, shown)
    _rest(container, path, shown)


def _hooks(container: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yield (path, what is run) of each hook and probe that runs a command in a container."""
    lifecycle = container.get("lifecycle")
    places = [(f"{path}.lifecycle.{hook}", lifecycle, hook) for hook in _HOOKS] if lifecycle else []
    places += [(f"{path}.{probe}", container, probe) for probe in _PROBES if probe in container]
    for at, held, name in places:
        run = map_at(map_at(held, name), "exec") if isinstance(held, MAPS) else {}
        if run:
            yield f"{at}.exec", run


def _variables(container: Json, path: str, observed: Observed) -> dict[str, str]:
    """Return the variables that have a value of their own, and add what the names and values show."""
    known, engines = _by_variable(), _prefixes()
    values: dict[str, str] = {}
    for stated, index, variable in _stated_variables(container):
        name, value = variable.get("name"), variable.get("value")
        if not isinstance(name, str):
            continue
        at, hint = f"{path}.{stated}[{index}]", known.get(name)
        given = expanded(value, values) if isinstance(value, str) else None
        if given is not None and (given is value or observed.budget.word(given, at)):
            values[name] = given
        if hint is None and name.startswith(engines.prefixes):
            hint = engines.hint
        if hint is None:
            continue
        _hint(hint, at, name, observed)
        if hint.family == _MODEL:
            observed.named.append(str(value))
        if hint.loads:
            if variable.get("valueFrom") is not None:
                _reference(None, f"{at}.valueFrom", observed)
            elif isinstance(value, str) and value:
                _reference(given, f"{at}.value", observed, always=hint.uri)
    return values


def _stated_variables(container: Json) -> Iterator[tuple[str, int, Json]]:
    """Yield (field, index, variable); some serving kinds have a map, and some have them in ``envs``."""
    for stated in VARIABLES:
        env = container.get(stated)
        if isinstance(env, MAPS):
            env = [{"name": name, "value": value} for name, value in env.items()]
        for index, variable in _items(env):
            yield stated, index, variable


def _commands(line: list[Word], variables: Mapping[str, str], observed: Observed) -> None:
    """Add the model servers that a command line starts."""
    by_first = _by_first_word()
    if any(word.text.startswith("-m") for word in line):
        line = [part for word in line for part in _module(word)]
    for index, word in enumerate(line):
        for rule, wanted in by_first.get(word.program, ()):
            if rule.first and index:
                continue
            end = index + len(wanted)
            if [item.text for item in line[index + 1 : end]] != wanted[1:]:
                continue
            observed.strong.append(Signal(rule.id, word.path, " ".join(wanted)))
            if rule.model_after and end < len(line) and not line[end].text.startswith("-"):
                _loaded(line[end].text, line[end].path, variables, observed)


def _module(word: Word) -> list[Word]:
    """Return ``-mname`` as the two words that Python takes it for."""
    text = word.text
    joined = text.startswith("-m") and len(text) > 2 and "." in text
    return [Word("-m", word.path), Word(text[2:], word.path)] if joined else [word]


def _flags(line: list[Word], variables: Mapping[str, str], observed: Observed) -> None:
    """Add the flags that name a model, and their values."""
    by_flag = _by_flag()
    for index, word in enumerate(line):
        if not word.text.startswith("-"):
            continue
        flag, equals, value = word.text.partition("=")
        hint = by_flag.get(flag)
        if hint is None:
            continue
        _hint(hint, word.path, flag, observed)
        if not equals:
            following = line[index + 1] if index + 1 < len(line) else None
            if following is None or following.text.startswith("-"):
                continue
            value, at = following.text, following.path
        else:
            at = word.path
        observed.named.append(value)
        if hint.loads and value:
            _loaded(value, at, variables, observed)


def _fetched(line: list[Word], variables: Mapping[str, str], observed: Observed) -> None:
    """Add what an init container, a script, a hook or a probe fetches."""
    fetches, by_first = signal_rules().fetches, _by_first_fetch()
    for index, word in enumerate(line):
        text = word.text
        if "$" in text or "://" in text:
            given = resolved(text, variables)
            scheme, colon, rest = (text if given is None else given).partition("://")
            if colon and (
                scheme.lower() in fetches.schemes
                or rest.partition("?")[0].lower().endswith(fetches.files)
                or f"{scheme}://{rest}".startswith(_HUB)
            ):
                _reference(given, word.path, observed)
        for command in by_first.get(word.program, ()):
            end = index + len(command)
            if [item.text for item in line[index + 1 : end]] == command[1:]:
                named = next(
                    (item for item in islice(line, end, None) if not item.text.startswith("-")), None
                )
                if named is not None:
                    _loaded(named.text, named.path, variables, observed)


def _loaded(value: str, path: str, variables: Mapping[str, str], observed: Observed) -> None:
    """Add what is loaded from a word of a command line."""
    _reference(resolved(value, variables), path, observed)


def _reference(text: str | None, path: str, observed: Observed, *, always: bool = False) -> None:
    """Add what is loaded.

    Args:
        text: What names it; None where that is computed in the container.
        path: The field that says it.
        observed: Takes it.
        always: Whether a path of the disk is the name of a model too; else it says only where another
            object puts one.
    """
    if not observed.budget.spend(_REFERENCE + len(text or "") // 16, path):
        return
    if text is None or (not always and text.startswith(("/", ".", "~"))):
        if path not in observed.unstated:
            observed.unstated.append(path)
        return
    reference = ModelReference(path, text)
    if text and reference not in observed.references:
        observed.references.append(reference)


def _rest(container: Json, path: str, observed: Observed) -> None:
    """Add what devices, mounts and probes show."""
    for index, mount in _items(container.get("volumeMounts")):
        folder = mount.get("mountPath")
        if isinstance(folder, str):
            for hint in _mount_hints(folder):
                _hint(hint, f"{path}.volumeMounts[{index}].mountPath", folder, observed)
    resources = container.get("resources")
    if resources:
        shown = set()
        for part in ("limits", "requests"):
            for name in map_at(resources, part):
                device = _device_hint(str(name))
                if device is not None and device.id not in shown:
                    shown.add(device.id)
                    _hint(device, f"{path}.resources", str(name), observed)
    for probe in _PROBES:
        if probe in container:
            asked = map_at(map_at(container, probe), "httpGet").get("path")
            if isinstance(asked, str):
                for hint in _probe_hints(asked):
                    _hint(hint, f"{path}.{probe}.httpGet.path", asked, observed)


# The same few values stand in most pods of a cluster, so what the rules say of each is kept.


@lru_cache(maxsize=4096)
def _mount_hints(mount: str) -> tuple[HintRule, ...]:
    return tuple(
        hint
        for hint in signal_rules().hints
        if any(mount == folder or mount.startswith(f"{folder}/") for folder in hint.mounts)
    )


@lru_cache(maxsize=4096)
def _device_hint(resource: str) -> HintRule | None:
    name = resource.lower()
    found = (
        hint for hint in signal_rules().hints if any(pattern.fullmatch(name) for pattern in hint.resources)
    )
    return next(found, None)


@lru_cache(maxsize=4096)
def _probe_hints(asked: str) -> tuple[HintRule, ...]:
    return tuple(
        hint
        for hint in signal_rules().hints
        if any(asked == known or (known.endswith("/") and asked.startswith(known)) for known in hint.probes)
    )


@cache
def _pod_hints() -> tuple[HintRule, ...]:
    return tuple(hint for hint in signal_rules().hints if hint.claims or hint.volume)


@cache
def _significant() -> re.Pattern[str]:
    """Return what finds a word by which a script could show something: of a command, or a flag."""
    needles = set(_by_flag())
    for rules in _by_first_word().values():
        for rule, wanted in rules:
            if not rule.first:  # The shell itself comes first.
                needles.add(wanted[1] if wanted[0] == "-m" else wanted[0])
    return re.compile("|".join(map(re.escape, sorted(needles))))


def _shows_nothing(script: str) -> bool:
    """Return whether no word of a script is in the tables; quotes within a word hide nothing.

    A shell's words are the characters between its quotes and backslashes, so a word of the tables stands in
    the script without them.
    """
    return _significant().search(script.translate(_QUOTING)) is None


def _hint(hint: HintRule, path: str, value: str, observed: Observed) -> None:
    observed.hints.append((hint.family, Signal(hint.id, path, value[:_SHOWN])))


def _items(value: object) -> Iterator[tuple[int, Json]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, MAPS):
            yield index, item


@dataclass(frozen=True, slots=True)
class _Prefixes:
    prefixes: tuple[str, ...]
    hint: HintRule


@cache
def _prefixes() -> _Prefixes:
    (hint,) = (hint for hint in signal_rules().hints if hint.env_prefix)
    return _Prefixes(hint.env_prefix, hint)


@cache
def _by_variable() -> Mapping[str, HintRule]:
    return {name: hint for hint in signal_rules().hints for name in hint.env}


@cache
def _by_flag() -> Mapping[str, HintRule]:
    return {flag: hint for hint in signal_rules().hints for flag in hint.flags}


@cache
def _by_first_fetch() -> Mapping[str, list[list[str]]]:
    """Return the commands that fetch a model by the first of their words, each with all its words."""
    found: dict[str, list[list[str]]] = {}
    for command in signal_rules().fetches.commands:
        wanted = command.split()
        found.setdefault(wanted[0], []).append(wanted)
    return found


@cache
def _by_first_word() -> Mapping[str, list[tuple[CommandRule, list[str]]]]:
    """Return the rules about commands by the first of their words, each with all its words."""
    found: dict[str, list[tuple[CommandRule, list[str]]]] = {}
    for rule in signal_rules().commands:
        for text in rule.words:
            wanted = text.split()
            found.setdefault(wanted[0], []).append((rule, wanted))
    return found


def runs(container: Json, budget: Budget | None = None) -> object:
    """Return what a container runs besides its image: the program, a shell's script, and what names a model.

    Two versions of an object that differ in it ask another question; other arguments and variables only tune
    the server, and may change without evidence.

    Args:
        container: As in a PodSpec.
        budget: How much is read of all containers of the object; beyond it, every field counts.
    """
    seen = Observed(budget=budget or Budget())
    observe_container(container, "", seen)
    if seen.budget.exceeded:
        return {field: container.get(field) for field in _RUNNING}
    script = container.get("args") if runs_a_script(container) else None
    named = [signal.value for signal in seen.strong if signal.path != ".image"] + seen.named
    hooks = [hook.get("command") for _, hook in _hooks(container, "")]
    parts = (container.get("command"), script, hooks, named, seen.references, seen.unstated)
    return parts if any(parts) else None
