"""What the registry costs, as ratios within one run: `make bench`. Nothing here is imported by the product."""
