"""What makes a workload look like a model server, in CEL: coarser than ``subjects.signals``, never finer.

Every rule of ``signals.yaml`` that can show anything is asked for by itself, whatever its tier: which tiers
are refused is the business of policies. An expression that costs more than the API server allows would be an
error, and an error follows the failurePolicy: so what is longer than ``MOST`` says is asked about unread.
"""

import re
from collections.abc import Iterable
from typing import Final

from actgate.subjects.fields import CONTAINERS
from actgate.subjects.signal_rules import HintRule, signal_rules

MOST: Final = {
    "containers": 32,
    "words": 400,
    "variables": 400,
    "mounts": 200,
    "devices": 160,
    "volumes": 400,
    "image characters": 4096,
    "command characters": 12_288,
    "variable characters": 8192,
    "mount characters": 8192,
    "probe characters": 4096,
}
"""What is read of all containers of an object together; of one with more, nothing is read."""

_OR: Final = "\n|| "
PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
_HOOKS: Final = ("postStart", "preStop")

_PLAIN: Final = re.compile(r"[^'\\]*")
"""Patterns that need no escapes in CEL."""


def signals(pod: str) -> str:
    """Return whether a PodSpec shows anything, as a CEL expression over a variable that holds it."""
    containers = "\n+ ".join(f"(has({pod}.{field}) ? {pod}.{field} : [])" for field in CONTAINERS)
    # The hints of an init container count only where it restarts always.
    hinting = containers.replace(
        f"{pod}.initContainers :",
        f"{pod}.initContainers.filter(c, has(c.restartPolicy) && c.restartPolicy == 'Always') :",
    )
    fields = ("command", "args", "env", "volumeMounts")
    command, args, env, mounts = (f"(has(c.{field}) ? c.{field} : [])" for field in fields)
    programs = f"({command} + {args} + {_hooks()})"
    devices = "(has(c.resources) && has(c.resources.{0}) ? c.resources.{0} : {{}})"
    limits, requests = (devices.format(part) for part in ("limits", "requests"))
    probes = " + ".join(
        f"(has(c.{probe}) && has(c.{probe}.httpGet) && has(c.{probe}.httpGet.path)"
        f" ? [c.{probe}.httpGet.path] : [])"
        for probe in PROBES
    )
    programs_and_images = [
        f"size(cs) > {MOST['containers']}",
        _more("words", f"size({programs})"),
        _more("variables", f"size({env})"),
        _found(
            "image characters", "has(c.image) ? size(c.image) : 0", "has(c.image) ? c.image : ''", _images()
        ),
        _found(
            "command characters",
            f"{programs}.map(w, size(w)).sum()",
            f"{programs}.join(' ')",
            _commands(),
            without_quotes=True,
        ),
        # A variable may be a part of any word. One without a value of its own is never put in.
        f"cs.exists(c, {env}.exists(e, has(e.value) && e.value != '')"
        f" && {programs}.exists(w, w.contains('$')))",
    ]
    hints = [
        _more("mounts", f"size({mounts})"),
        _more("devices", f"size({limits}) + size({requests})"),
        _found(
            "variable characters",
            f"{env}.map(e, size(e.name)).sum()",
            f"{env}.map(e, e.name).join('\\n')",
            _variables(),
        ),
        _found(
            "mount characters",
            f"{mounts}.map(m, size(m.mountPath)).sum()",
            f"{mounts}.map(m, m.mountPath).join('\\n')",
            _mounts(),
        ),
        _found(
            "probe characters",
            f"({probes}).map(p, size(p)).sum()",
            f"({probes}).join('\\n')",
            _probes(),
        ),
        f"cs.exists(c, [{limits}, {requests}].exists(d, d.exists(k, k.matches({_text(_devices())}))))",
    ]
    read = ((containers, programs_and_images), (hinting, hints))
    inside = [f"[{listed}].exists(cs,\n{_indented(_OR.join(parts))})" for listed, parts in read]
    return _OR.join((_pods(pod), *inside))


def _hooks() -> str:
    """Return what the hooks and probes of a container ``c`` run, as a CEL list."""
    lifecycle = (
        f"(has(c.lifecycle) && has(c.lifecycle.{hook}) && has(c.lifecycle.{hook}.exec)"
        f" && has(c.lifecycle.{hook}.exec.command) ? c.lifecycle.{hook}.exec.command : [])"
        for hook in _HOOKS
    )
    probes = (
        f"(has(c.{probe}) && has(c.{probe}.exec) && has(c.{probe}.exec.command)"
        f" ? c.{probe}.exec.command : [])"
        for probe in PROBES
    )
    return " + ".join((*lifecycle, *probes))


def labelled(labels: str) -> str:
    """Return whether labels show anything, as a CEL expression over what holds them."""
    anything = [key for rule in signal_rules().labels if not rule.values for key in rule.keys]
    found = [f"[{texts(anything)}].exists(k, k in {labels})"]
    for rule in signal_rules().labels:
        for key in rule.keys if rule.values else ():
            found.append(f"({_text(key)} in {labels} && {labels}[{_text(key)}] in [{texts(rule.values)}])")
    return "\n|| ".join(found)


def texts(values: Iterable[str]) -> str:
    """Return strings as the items of a CEL list."""
    return ", ".join(map(_text, values))


def _pods(pod: str) -> str:
    """Return what of a PodSpec shows something beside its containers."""
    parts = []
    for hint in signal_rules().hints:
        if hint.claims:
            parts.append(f"(has({pod}.resourceClaims) && size({pod}.resourceClaims) > 0)")
        if hint.volume:
            parts.append(
                f"(has({pod}.volumes) && (size({pod}.volumes) > {MOST['volumes']}"
                f" || {pod}.volumes.exists(v, has(v.{hint.volume}))))"
            )
    return "\n|| ".join(parts)


def _more(what: str, size: str) -> str:
    return f"cs.map(c, {size}).sum() > {MOST[what]}"


def _found(what: str, size: str, text: str, pattern: str, *, without_quotes: bool = False) -> str:
    """Return whether a text of each container, joined to one, is too long or holds what a pattern finds."""
    joined = f"cs.map(c, {text}).join('\\n')"
    if without_quotes:  # As a shell takes them away, also within a word.
        joined += ".replace('\"', '').replace('\\'', '').replace('\\\\', '')"
    return f"cs.map(c, {size}).sum() > {MOST[what]}\n   || {joined}.matches({_text(pattern)})"


def _images() -> str:
    """Return what finds an image by its last component or its path; what else a rule asks for narrows it."""
    found = dict.fromkeys(
        pattern.pattern
        for rule in signal_rules().images
        for pattern in (rule.last, rule.path)
        if pattern is not None
    )
    return f"(?im)(^|/)({'|'.join(found)})([:@]|$)"


def _commands() -> str:
    """Return what finds a word of a command, or a flag, wherever it stands, as ``signals._shows_nothing``."""
    rules = signal_rules()
    needles = {flag for hint in rules.hints for flag in hint.flags}
    begin = []
    for command in rules.commands:
        for text in command.words:
            first, *more = text.split()
            if command.first:
                begin.append(f"(^|/){_literal(text)}")
            else:
                needles.add(more[0] if first == "-m" else first)
    shortest = sorted(
        needle for needle in needles if not any(other in needle for other in needles if other != needle)
    )
    return f"(?m){'|'.join([*map(_literal, shortest), *begin])}"


def _variables() -> str:
    names = [_literal(name) for hint in signal_rules().hints for name in hint.env]
    prefixes = [_literal(prefix) for hint in signal_rules().hints for prefix in hint.env_prefix]
    return f"(?m)^({'|'.join(prefixes)}|({'|'.join(names)})$)"


def _mounts() -> str:
    folders = [folder for hint in signal_rules().hints for folder in hint.mounts]
    return f"(?m)^({'|'.join(map(_literal, folders))})(/|$)"


def _probes() -> str:
    asked = [path for hint in signal_rules().hints for path in hint.probes]
    ends = [_literal(path) + ("" if path.endswith("/") else "$") for path in asked]
    return f"(?m)^({'|'.join(ends)})"


def _devices() -> str:
    hints: Iterable[HintRule] = signal_rules().hints
    return f"(?i)^({'|'.join(pattern.pattern for hint in hints for pattern in hint.resources)})$"


def _literal(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9/_ -]", lambda found: f"[{found[0]}]", text)


def _text(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{value!r}: must hold no quote and no backslash, since the registration quotes it")
    return f"'{value}'"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
