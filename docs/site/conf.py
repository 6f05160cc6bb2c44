"""The documentation site: `make docs` builds it from the pages of the repository."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

project = "soundmorph"
author = "The soundmorph authors"
copyright = author
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "max_patches/README.md", "docs/**"]
exclude_patterns = ["docs/site/**"]
html_theme = "furo"
html_title = project
html_extra_path = ["index.html"]
html_show_sphinx = False
# Headings get the same anchors as on GitHub, to which the pages link.
myst_heading_anchors = 4
myst_enable_extensions = ["fieldlist"]
suppress_warnings = ["myst.header"]

# The navigation lists the pages that each section of docs/index.md links to, and below "Decisions" the pages
# in the table of docs/decisions/README.md.
_LINK = re.compile(r"^\|[^|]*\[[^]]*\]\(([^)#]+\.md)\)|^\[[^]]*\]\(([^)#]+\.md)\)", re.M)
_TREES = {"docs/index": "^## ", "docs/decisions/README": "^# "}


def _add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append a hidden table of contents for each section that links to pages."""
    heading = _TREES.get(docname)
    if heading is None:
        return
    for section in re.split(heading, source[0], flags=re.M)[1:]:
        caption, pages = section.partition("\n")[0], ["".join(found) for found in _LINK.findall(section)]
        if pages:
            lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]
            source[0] += "\n" + "\n".join(lines) + "\n"


def setup(app: Sphinx) -> None:
    """Register `_add_navigation`."""
    app.connect("source-read", _add_navigation)
