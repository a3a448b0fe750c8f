"""Units of a node's settings. Written by tools/settings_doc.py; do not edit."""

UNITS = {
    "full_scale_g": "g",
    "window": "samples",
    "schedule_period_s": "s",
    "schedule_length_s": "s",
    "spectrum_period_s": "s",
    "envelope_bands": "Hz",
    "envelope_max_hz": "Hz",
    "velocity_lo_hz": "Hz",
    "velocity_hi_hz": "Hz",
    "shaft_hz": "Hz",
    "shaft_lo_hz": "Hz",
    "shaft_hi_hz": "Hz",
    "running_m_s2": "m/s2",
    "health_period_s": "s",
    "air_period_s": "s",
    "altitude_m": "m",
    "fan_clean_s": "s",
}
