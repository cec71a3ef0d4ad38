"""Proposes a site's `site.yml` from its first export: reads files, writes a text, and changes nothing.

What may be written of a delivered cell is decided in `discretion.py` alone. The profile itself, and how it is read,
is registry/site_profile.py.
"""

from registry.propose.draft import counted
from registry.propose.render import Proposal, render
from registry.propose.survey import survey

__all__ = ["Proposal", "counted", "render", "survey"]
