"""How `make docs` builds the site: Sphinx, Markdown by MyST, docstrings by numpydoc."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for generated.py
sys.path.insert(0, str(HERE.parent))

project = "bayes_tbm"
author = "bayes_tbm developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "generated"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Lines `<!-- not run: why -->` are for the script that runs the blocks, not for readers.
default_role = "code"

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # what every error model has stands once, with its base
autodoc_typehints = "none"  # docstrings name shapes and units, which types do not
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_math_renderer = "mathml"  # of generated.py
html_title = "bayes_tbm"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
