# Runs on: MicroPython and CPython
# Everything that is counted, in the groups SMP statistics show.


class Counters:
    def __init__(self) -> None:
        self.acquired = 0  # windows that were due
        self.analysed = 0
        self.lost = 0  # to an overrun or a sensor fault; acquired = analysed + lost
        self.overruns = 0
        self.air_readings = 0  # of all air sensors; each that is due is one of these
        self.air_errors = 0
        self.made = 0  # records
        self.sent = 0
        self.acked = 0
        self.dropped = 0
        self.damaged = 0  # pieces received on the link
        self.requests = 0
        self.task_errors = 0
        self.asleep_us = 0  # in light sleep

    def groups(self) -> dict:
        return {
            "windows": {
                "acquired": self.acquired,
                "analysed": self.analysed,
                "lost": self.lost,
                "overruns": self.overruns,
            },
            "air": {"readings": self.air_readings, "errors": self.air_errors},
            "records": {
                "made": self.made,
                "sent": self.sent,
                "acked": self.acked,
                "dropped": self.dropped,
            },
            "link": {"damaged": self.damaged, "requests": self.requests},
            "tasks": {"errors": self.task_errors},
            "power": {"asleep_s": self.asleep_us // 1000000},
        }
