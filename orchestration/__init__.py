"""Dagster: when steps run, in what order, with what. What a step does is in `registry` and `expectations`."""
