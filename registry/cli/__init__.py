"""The command `registry`: `main.py` and one file for each group of its sub-commands; `console.py` prints.

Heavy imports are inside the functions, so that `registry sql` answers at once.
Not here: the work itself. A command reads its options, calls a package beside this one, and prints.
"""
