"""Links between the pages lead somewhere."""

from tests.docs import pages
from tests.docs.pages import ROOT


def test_every_link_leads_to_a_file_and_to_a_heading_where_it_names_one() -> None:
    """On every page, relative to the page, and never out of the checkout."""
    anchors = {page: pages.anchors(page) for page in pages.pages()}
    wrong = []
    for page in anchors:
        for target in pages.links(page):
            if target.startswith("https://"):
                continue
            path, _, anchor = target.partition("#")
            leads_to = (page.parent / path).resolve() if path else page
            if not leads_to.is_relative_to(ROOT) or not leads_to.is_file():
                wrong.append(f"{page.relative_to(ROOT)}: {target}: no such file")
            elif anchor and anchor not in anchors.get(leads_to, ()):
                wrong.append(f"{page.relative_to(ROOT)}: {target}: no such heading")
    assert wrong == []
