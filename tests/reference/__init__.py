"""An independent reading of the registry's rules in plain Python.

Belongs here: row currency, quarantine, ANC, episodes, outcomes and counts, written from the rules'
text alone, and a generator of small nasty cohorts. Does not belong here: anything imported from the
registry or copied from its SQL; the comparison of the two is worth only as much as their distance.
Where the text leaves a choice, README.md says which was taken.
"""
