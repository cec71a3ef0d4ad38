"""For operators: status, alerts, error reports, and the doctor.

Not here: the commands (cli), the schedule and the sensor (orchestration).
"""
