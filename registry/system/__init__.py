"""Files, disks, memory, locks and the event log: infrastructure that knows nothing of patients.

Not here: anything that knows an entity, a site or a release.
"""
