"""What MkDocs does beside its own work when `make site` builds the documentation (hooks of ``mkdocs.yml``).

Pages link to files outside of ``docs/``, as readers of a checkout need it: examples, schemas, the changelog.
Each of them becomes a page, a Markdown file as itself and any other as a code block, and the links
follow.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File, InclusionLevel

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_DOCS: Final = "docs/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file outside of ``docs/`` that a page of the site links to."""
    root = Path(config["docs_dir"]).parent
    waiting = [
        (_DOCS + file.src_uri, Path(file.abs_src_path)) for file in files if file.is_documentation_page()
    ]
    seen = {path for path, _ in waiting}
    while waiting:
        path, source = waiting.pop()
        for link in _LINK.finditer(source.read_text("utf-8")):
            target = _target(path, link["path"])
            if target in seen or target.startswith(_DOCS) or not (root / target).is_file():
                continue
            seen.add(target)
            files.append(_page(config, root, target))
            if target.endswith(".md"):
                waiting.append((target, root / target))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return the text of a page with links to where the site has their targets."""
    place = page.file.src_uri
    path = place if page.file.generated_by else _DOCS + place

    def moved(link: re.Match[str]) -> str:
        target = _site_path(_target(path, link["path"]))
        return posixpath.relpath(target, posixpath.dirname(place)) + (link["anchor"] or "")

    return _LINK.sub(moved, markdown)


def _page(config: MkDocsConfig, root: Path, path: str) -> File:
    text = (root / path).read_text("utf-8")
    if not path.endswith(".md"):
        language = Path(path).suffix.removeprefix(".")
        text = f"# {path}\n\n````{language}\n{text}\n````\n"
    return File.generated(config, _site_path(path), content=text, inclusion=InclusionLevel.NOT_IN_NAV)


def _target(page: str, link: str) -> str:
    """Return the path in the checkout that a link of a page means."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def _site_path(path: str) -> str:
    """Return where the site has a file of the checkout."""
    if path.startswith(_DOCS):
        return path.removeprefix(_DOCS)
    return path if path.endswith(".md") else f"{path}.md"
