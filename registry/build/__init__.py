"""The build file made from raw rows: how dbt runs, what the build depends on, which stages are complete.

    fingerprint.py  everything that determines content, as one hash
    warehouse.py    the build file and its stages    dbt_project.py, dbt_runner.py  parses and runs dbt
    render.py       the project's SQL without dbt

Not here: clinical rules (the dbt project), the content of a release (release).
"""
