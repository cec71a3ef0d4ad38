"""`python -m registry.cli`, the same as the installed command `registry`."""

from registry.cli.main import main

main()
