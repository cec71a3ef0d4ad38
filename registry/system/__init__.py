"""Files, disks, memory, locks and the event log: what any program needs, without a word about patients.

Not here: anything that knows an entity, a site or a release.
"""
