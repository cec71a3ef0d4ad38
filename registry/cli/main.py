"""The `registry` command, for data managers, neurologists and pharmacovigilance officers.

Exit codes: 0 done · 1 internal error · 2 bad usage, configuration or unreadable input, explained in one line · 3 the
gate refused.
Nothing heavy is imported here, so that `registry sql` starts fast. Dagster is not imported in this package; it runs as
`python -m orchestration`.
"""

from __future__ import annotations

import gc
import os
from typing import Any

import click

from registry.cli import curation, gate, operations, query, refresh, releases, retract, vault
from registry.cli.options import home_in_use

COMMANDS = (
    refresh.demo,
    refresh.simulate,
    refresh.profile,
    refresh.check_command,
    refresh.refresh,
    releases.releases,
    gate.gate,
    query.sql,
    query.trace_command,
    curation.quarantine,
    curation.review,
    retract.retract,
    operations.status,
    operations.doctor,
    vault.forget,
    vault.key,
)


# Half a million objects of dbt, Dagster and Great Expectations live as long as the process. Python's default, a garbage
# collection every 700 new objects, takes a tenth of a refresh and finds nothing.
gc.set_threshold(50_000, 20, 20)
# Searching all installed packages for plugins of pydantic takes longer than reading the settings, and a plugin could
# change how they are read.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


class RegistryGroup(click.Group):
    """A command group that reports an error in one line with its exit code, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and report an exception in one line: a traceback would show the values it quotes."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                click.echo(nl=False)  # flushes, so that a reader who has gone (`| head`) is noticed here
        except BrokenPipeError:
            from registry.cli.console import READER_GONE, stop_printing

            stop_printing()
            ctx.exit(READER_GONE)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001  reported in one line: a traceback shows values
            from registry.cli.console import print_error
            from registry.operations.error_reports import to_user_error

            line = to_user_error(home_in_use(ctx), error, f"registry {ctx.invoked_subcommand}")
            print_error(str(line))
            ctx.exit(line.exit_code)


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    """Print the version and those of the engines, without importing them."""
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    engines = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
    click.echo(f"registry {version('anti-cd20-neutropenia-registry')}")
    for engine in engines:
        click.echo(f"{engine} {version(engine)}")
    ctx.exit()


@click.group(cls=RegistryGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version, and those of dbt, DuckDB, Dagster and Great Expectations.",
)
def main() -> None:
    """Registry of neutropenia under anti-CD20 treatment for multiple sclerosis."""


for command in COMMANDS:
    main.add_command(command)
