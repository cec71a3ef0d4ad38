"""From raw rows to the build file: how dbt runs, what the build depends on, which stages are complete.

    fingerprint.py  all that shapes content, as one hash
    warehouse.py    the build file and its stages    dbt_runner.py  dbt in this process

Not here: clinical rules (the dbt project), what a release holds (release).
"""
