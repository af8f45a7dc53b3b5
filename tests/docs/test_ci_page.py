"""The snippets for CI systems: they are YAML, and every command in them is one that actgate takes."""

import re
import shlex
from collections.abc import Iterator

import pytest
import yaml

from actgate.cli.arguments import parser
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands(value: object) -> Iterator[list[str]]:
    """Yield every call of actgate below a value: a line of a script, or a container's command."""
    if isinstance(value, str) and value.startswith("actgate "):
        yield shlex.split(value)[1:]
    elif isinstance(value, list) and value and value[0] == "actgate":
        yield [str(one) for one in value[1:]]
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from commands(one)


@pytest.mark.parametrize(("snippet", "calls"), [*zip(SNIPPETS, (9, 9, 1, 0), strict=True)])
def test_each_command_is_one_that_actgate_takes(snippet: str, calls: int) -> None:
    """An option that is renamed breaks the page here, not the reader's pipeline; hooks name no command."""
    found = [*commands(yaml.safe_load(snippet))]
    assert len(found) == calls
    for arguments in found:
        assert callable(parser().parse_args(arguments).run), arguments
