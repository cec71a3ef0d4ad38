"""The `registry` command: what a data manager, a neurologist or a pharmacovigilance officer types.

Exit codes: 0 done · 1 a fault of the program · 2 bad usage, configuration or unreadable input (one clear line) · 3 the
gate refused.
Nothing heavy is imported here: `registry sql` answers at once. What a refresh needs of Dagster runs as
`python -m orchestration`, since this package imports none.
"""

from __future__ import annotations

import gc
from typing import Any

import click

from registry.cli import curation, query, refresh, releases, retract, vault
from registry.cli.options import home_in_use

COMMANDS = (
    refresh.demo,
    refresh.simulate,
    refresh.profile,
    refresh.refresh,
    releases.releases,
    query.sql,
    query.trace_command,
    curation.quarantine,
    curation.review,
    retract.retract,
    curation.status,
    vault.doctor,
    vault.forget,
    vault.key,
)


# Half a million objects of dbt, Dagster and Great Expectations live as long as the process. Looking for rubbish among
# them every 700 new objects, as Python does by default, is a tenth of a refresh and finds none.
gc.set_threshold(50_000, 20, 20)


class RegistryGroup(click.Group):
    """A command group in which a user's mistake is one line and exit code 2, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn what it raises into one line, for a traceback would show what it quotes."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001  told in one line, and the exit code is 1: a traceback shows values
            from registry.cli.console import print_error
            from registry.operations.error_reports import to_user_error

            line = to_user_error(home_in_use(ctx), error, f"registry {ctx.invoked_subcommand}")
            print_error(str(line))
            ctx.exit(line.exit_code)


@click.group(cls=RegistryGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Registry of neutropenia under anti-CD20 treatment for multiple sclerosis."""


for command in COMMANDS:
    main.add_command(command)
