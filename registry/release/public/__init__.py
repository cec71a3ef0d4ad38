"""The part of a release that may be shared: aggregates, overall and by drug, with small counts suppressed.

`counts.py` reads the counts from a release · `suppression.py` decides what may be shown · `tables.py` makes the tables,
with percentages and intervals · `files.py` writes the folder. Why the rule is safe: docs/decisions/0013-public-part.md.
"""

from registry.release.public.files import write_public

__all__ = ["write_public"]
