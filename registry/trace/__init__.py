"""From an episode back to the records that it rests on: `episode.py` reads a release, `rules.py` names each rule.

Not here: which rule fired; the dbt project decides that (models/intermediate/trace).
"""
