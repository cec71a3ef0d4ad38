"""The gate: what a release has to pass before it is published.

`check.py` what a check and a result are · `kinds.py` the kinds of check · `published.py` the published tables and
their generic checks, from the models' YAML · `suites/` the clinical checks, one module a subject · `catalogue.py` all
of them · `analytes.py` bounds from the seed · `grading.py` grades worked out again · `runner.py` the audit · `gx.py`
and `duckdb_adapter.py` the bridge to Great Expectations.

Imports no Dagster, and Great Expectations only inside `audit`. What happens to a candidate that passed or
failed is `registry.release`'s.
"""

from expectations.check import Audit, Check, CheckResult
from expectations.runner import audit

__all__ = ["Audit", "Check", "CheckResult", "audit"]
