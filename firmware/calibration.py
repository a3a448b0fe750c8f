# Runs on: MicroPython and CPython
# What a calibration has found of the sensor fitted: by what to multiply what it says, and what to
# take off first.

_AXES = 3


class Calibration:
    # Of one sensor. Without a record nothing is changed.
    def __init__(self, sensor: str, record: dict) -> None:
        self.sensor = sensor
        self._record = record
        self.sensitivity = record.get("sensitivity", [1.0] * _AXES)
        self.offset_m_s2 = record.get("offset_m_s2", [0.0] * _AXES)

    def scale_m_s2(self, axis: int, nominal_m_s2: float) -> float:
        # One LSB of that axis.
        return nominal_m_s2 * self.sensitivity[axis]

    def report(self) -> dict:
        # sensor, and with a record: sensitivity, offset_m_s2, date, certificate.
        fields = {"sensor": self.sensor, "calibrated": bool(self._record)}
        fields.update(self._record)
        return fields
