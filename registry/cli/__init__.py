"""The command `registry`: `main.py` and one file for each group of its sub-commands; `console.py` prints.

Heavy imports are inside the functions, so that `registry sql` starts fast.
Not here: the work itself. A command reads its options, calls another package, and prints.
"""
