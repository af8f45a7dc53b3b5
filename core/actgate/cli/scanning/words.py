"""Words that the reports of a scan share."""

from actgate.api.quoting import counted
from actgate.cli.scanning.result import Result
from actgate.decision import Outcome, Subject

LIMITS = (
    "A scan sees what objects state. Weights inside an image of the house's own, code that downloads a model "
    "when it runs, and models that are loaded through a server's own interface (Ray, Triton, TorchServe, an "
    "Ollama pull) show in no field.",
    "It is a moment: what was created, changed or deleted meanwhile may differ, and pods that ran before and "
    "are gone are not part of it.",
    "It says what the gate would answer if each object were created now. What runs already goes on running: "
    "the gate refuses new objects and changes.",
    "Fields whose value another object holds, such as a variable from a Secret or an image from a runtime, "
    "are not stated here, and not judged. They are listed with each object.",
    "Kinds without a row in actgate's table are not read themselves; their pods are.",
)
"""What a scan cannot see."""


def object_words(subject: Subject) -> str:
    """Return what kubectl calls a kind, in the form that names it for sure."""
    return f"{subject.kind}.{subject.group}" if subject.group else subject.kind


def outcomes(result: Result) -> str:
    """Return the counts in one line: ``34 judged: 12 refused, 3 with warnings, 19 passed``."""
    counts = result.summary.outcomes
    named = ((Outcome.FAIL, "refused"), (Outcome.WARN, "with warnings"), (Outcome.PASS, "passed"))
    words = ", ".join(f"{counts[outcome]} {what}" for outcome, what in named if counts[outcome])
    return f"{result.summary.judged} judged: {words}" if words else "0 judged"


def remarks(result: Result) -> list[str]:
    """Return what the counts leave out, a sentence each."""
    said = [f"{missed.what} could not be read: {missed.reason}; {missed.means}" for missed in result.missed]
    if result.unjudged:
        said.append(f"{counted(len(result.unjudged), 'object')} not judged: the evidence is not known")
    return said


def notes(result: Result) -> list[str]:
    """Return what else a reader may want to know, a sentence each."""
    said = []
    if result.outside:
        outside = counted(len(result.outside), "object")
        names = sorted({one.subject.namespace for one in result.outside})
        said.append(f"{outside} in namespaces that the gate does not see: {', '.join(names)}")
    if result.weak:
        said.append(f"{counted(result.weak, 'object')} with weak signals alone, not judged")
    for (group, kind), number in result.controllers.items():
        called = f"{kind}.{group}" if group else kind
        said.append(
            f"{called} controls {counted(number, 'object')}, and no row says how it is read (--kinds FILE)"
        )
    return said
