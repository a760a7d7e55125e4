"""The documentation as a site: ``make docs``. Nothing in it comes from the network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "RefineLoc studies"
extensions = ["myst_parser", "sphinx.ext.autodoc"]

# The source folder is the repository itself: a link in a page leads to the same file on the site, in a checkout and
# where the code is hosted.
root_doc = "docs/index"
include_patterns = ["docs/*.md", "benchmarks/README.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "build", "studies", "data"]

# A reference that leads nowhere is a warning, and warnings are errors.
nitpicky = True
myst_heading_anchors = 3
myst_enable_extensions = ["html_image"]
highlight_language = "none"

autodoc_member_order = "bysource"
# Types of other projects have no page here.
nitpick_ignore_regex = [("py:.*", r"(np|npt|numpy|pd|pandas|torch|pathlib|collections)\..*|Path")]
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_additional_pages = {"index": "first-page.html"}
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_show_search_summary = False  # it fetches pages, which a browser refuses from a disk; the search itself works there
html_theme_options = {
    # The reader's own fonts: none is loaded.
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}
