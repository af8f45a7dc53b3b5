"""Drawings of a document as inline SVG: lineage, intervals and calibration.

Plain shapes and text with classes, whose colours the style sheet of the page gives: no script, no style
attribute, no reference to anything outside. Text is escaped here. All drawings are as wide as a telephone,
so that nothing has to be made smaller to be seen whole.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from actgate.pipeline.card.escape import html, label

WIDTH: Final = 400
_LEFT: Final = 130
"""Where the axis of a plot begins; left of it stand the names."""
_RIGHT: Final = 388
_ROW: Final = 22
_MOST_LABEL: Final = 18
"""Characters of a name that have room on the left of the axis."""


class Node(NamedTuple):
    """One step of a lineage."""

    title: str
    lines: Sequence[str]
    """What is known of it, foreign text; empty where nothing is."""


class Bar(NamedTuple):
    """One value with its interval."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    state: str = ""
    """``pass``, ``fail`` or ``open``, for the colour."""


class Point(NamedTuple):
    """One bin of a calibration curve: what was predicted, and what came true."""

    predicted: float
    observed: float
    persons: int


def lineage(nodes: Sequence[Node], words: str) -> str:
    """Return a chain of steps from top to bottom; one of which nothing is known has a dashed frame."""
    shapes: list[str] = []
    top = 4
    for index, node in enumerate(nodes):
        height = 30 + 15 * max(1, len(node.lines))
        if index:
            shapes.append(f'<path class="arrow" d="M{WIDTH / 2:g} {top - 18} V{top - 6}"/>')
            shapes.append(
                f'<path class="head" d="M{WIDTH / 2 - 5:g} {top - 8} h10 L{WIDTH / 2:g} {top - 1} z"/>'
            )
        kind = "node" if node.lines else "node missing"
        shapes.append(f'<rect class="{kind}" x="4" y="{top}" width="{WIDTH - 8}" height="{height}" rx="6"/>')
        shapes.append(_text(16, top + 20, node.title, "title"))
        for line, text in enumerate(node.lines or ["not stated"]):
            shapes.append(_text(16, top + 38 + 15 * line, label(text, 54), "small"))
        top += height + 20
    return _drawing(shapes, top - 16, words)


def intervals(bars: Sequence[Bar], words: str, *, largest: float = 1.0) -> str:
    """Return values with their intervals on one axis from 0, a row each, and limits as marks."""
    height = _ROW * len(bars) + 30
    shapes = [*_axis(height, largest)]
    for row, bar in enumerate(bars):
        y = 18 + _ROW * row
        shapes.append(_text(_LEFT - 8, y + 4, label(bar.name, _MOST_LABEL), "small end"))
        if bar.limit is not None:
            x = _x(bar.limit, largest)
            shapes.append(f'<path class="limit" d="M{x} {y - 9} V{y + 9}"/>')
        if bar.low is not None and bar.high is not None:
            low, high = _x(bar.low, largest), _x(bar.high, largest)
            shapes.append(
                f'<path class="bar {bar.state}" d="M{low} {y} H{high} M{low} {y - 4} V{y + 4} '
                f'M{high} {y - 4} V{y + 4}"/>'
            )
        if bar.value is None:
            shapes.append(_text(_LEFT + 6, y + 4, "no counts", "small"))
        else:
            x = _x(bar.value, largest)
            shapes.append(f'<circle class="dot {bar.state}" cx="{x}" cy="{y}" r="3.5"/>')
    return _drawing(shapes, height, words)


def calibration(points: Sequence[Point], words: str) -> str:
    """Return predicted against observed shares; on the diagonal both are the same."""
    side, left, top = 240, 60, 22
    most = max((point.persons for point in points), default=1) or 1
    shapes = [
        f'<rect class="frame" x="{left}" y="{top}" width="{side}" height="{side}"/>',
        f'<path class="limit" d="M{left} {top + side} L{left + side} {top}"/>',
    ]
    for step in range(0, 11, 5):
        at = step / 10
        shapes.append(_text(left + at * side, top + side + 16, f"{at:g}", "small middle"))
        shapes.append(_text(left - 6, top + side - at * side + 4, f"{at:g}", "small end"))
    places = [
        (round(left + point.predicted * side, 1), round(top + side - point.observed * side, 1))
        for point in points
    ]
    if places:
        route = " L".join(f"{x:g} {y:g}" for x, y in places)
        shapes.append(f'<path class="line" d="M{route}"/>')
    for point, (x, y) in zip(points, places, strict=True):
        radius = 2 + 4 * (point.persons / most) ** 0.5
        shapes.append(f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="{radius:.1f}"/>')
    shapes.append(_text(left + side / 2, top + side + 32, "predicted", "small middle"))
    shapes.append(_text(left, top - 8, "observed", "small"))
    return _drawing(shapes, top + side + 40, words)


def _axis(height: int, largest: float) -> Iterable[str]:
    for step in range(5):
        at = largest * step / 4
        x = _x(at, largest)
        yield f'<path class="grid" d="M{x} 6 V{height - 22}"/>'
        yield _text(x, height - 8, f"{at:.3g}", "small middle")


def _x(value: float, largest: float) -> float:
    inside = min(max(value / largest, 0.0), 1.0)
    return round(_LEFT + inside * (_RIGHT - _LEFT), 1)


def _text(x: float, y: float, text: str, kind: str) -> str:
    # The direction of foreign writing stays within its own text.
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" direction="ltr" unicode-bidi="isolate">{html(text)}</text>'
    )


def _drawing(shapes: Iterable[str], height: float, words: str) -> str:
    inner = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{html(words)}">\n{inner}\n</svg>'
    )
