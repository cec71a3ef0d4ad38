"""Two releases compared: which rows changed, and why.

compare.py  rows added, removed and changed, table by table    explain.py  the reason for a change of an episode
"""
