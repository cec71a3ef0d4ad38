"""The sub-commands of `registry`, by what they are for.

Heavy imports stand in the functions: `registry sql` answers at once.
"""
