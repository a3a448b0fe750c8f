# Runs on: MicroPython and CPython
# Refusals that outlive the modules that raise them (passing.py).


class ConfigError(ValueError):
    # A setting that is refused; the text says which, why and what is allowed.
    pass


class CalibrationError(ValueError):
    # A record that is refused; the text says which part, why and what is allowed.
    pass
