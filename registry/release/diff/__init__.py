"""Compare two releases: which rows changed, and why.

compare.py  rows added, removed and changed, table by table    explain.py  why an episode changed
"""
