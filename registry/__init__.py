"""What the registry does: settings, ingest, vault, release, statistics, simulation and the command. No Dagster."""
