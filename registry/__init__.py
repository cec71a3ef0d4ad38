"""The registry itself: settings, ingest, vault, release, statistics, simulation and the commands. No Dagster."""
