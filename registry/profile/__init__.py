"""Proposes a site's `site.yml` from its first export: reads files, writes a text, and changes nothing.

What may be written of a delivered cell is decided in `discretion.py` alone. The profile itself, and how it is read,
is registry/config/site.py.
"""

from registry.profile.render import Proposal, render
from registry.profile.survey import survey

__all__ = ["Proposal", "render", "survey"]
