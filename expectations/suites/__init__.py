"""The suites, one module a subject. Each holds a tuple `CHECKS`; `expectations.catalogue` puts them together."""
