"""For operators: status, a check of the deliveries before a refresh, alerts, error reports, and the doctor.

Not here: the commands (cli), the schedule and the sensor (orchestration).
"""
