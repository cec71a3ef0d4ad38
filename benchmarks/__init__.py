"""The registry's cost, as ratios within one run: `make bench`. The product imports nothing from here."""
