"""The part of a release that may leave the house: aggregates, overall and by drug, with small counts withheld.

`counts.py` reads the counts from a release · `suppression.py` decides what may be shown · `tables.py` lays it out, with
percentages and intervals · `files.py` writes the folder. Why the rule is safe: docs/decisions/0013-public-part.md.
"""

from registry.release.public.files import write_public

__all__ = ["write_public"]
