"""Errors that the user can correct. Their texts never contain patients' data."""

from __future__ import annotations


class UserError(Exception):
    """Bad usage, configuration or input, as one line: what is wrong, where, what to do.

    The command line prints it without a traceback and exits with 2. The text must never contain a cell
    of a delivered file: name the site, delivery, file, column or record instead.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
