"""Propose a site's `site.yml` from its first export: read files, write a text, change nothing.

Only `discretion.py` decides which delivered cells may be written. registry/config/site.py defines and reads site.yml.
"""

from registry.profile.render import Proposal, render
from registry.profile.survey import survey

__all__ = ["Proposal", "render", "survey"]
