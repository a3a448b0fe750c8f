# Runs on: MicroPython and CPython
# Raw samples on request.


class Waveform:
    # A request for raw samples: whole windows, sent as they are completed.
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.axes: list = []
        self.start = self.end = 0

    def request(self, axes: list, start: int, total: int) -> None:
        self.axes = axes
        self.start = start
        self.end = start + total

    def holds(self, first_sample: int) -> bool:
        return self.start <= first_sample < self.end
