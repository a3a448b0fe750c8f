"""THE TABLE of what a record can carry. Encoder, decoder, CDDL, SDK and store all read it.

Runs on: MicroPython and CPython.

A key never changes its meaning and is never used again. New keys may be added; decoders ignore
the ones they do not know. Units and meanings are in meanings.py: a node has no memory for them.
"""

# Largest encoded record. A node may rely on every host taking it.
MAX_RECORD = 4000
MAX_TEXT = 64
MAX_SEQ = 1 << 53

# Kinds: uint, f32 (any CBOR float), text, texts (array of text), and typed arrays:
# floats (RFC 8746 f32 or f16, or u8 log-dB codes scaled by floor_db and step_db) and i16s.

# (key, name, kind)
FIELDS = (
    (0, "type", "uint"),
    (1, "seq", "uint"),
    (2, "epoch", "uint"),
    (3, "t_us", "uint"),
    (4, "cause", "uint"),
    (5, "capture", "uint"),
    (6, "axis", "uint"),
    (7, "first_sample", "uint"),
    (8, "count", "uint"),
    (9, "rate_hz", "f32"),
    (10, "shaft_hz", "f32"),
    (11, "shaft_source", "uint"),
    (12, "mean_m_s2", "f32"),
    (13, "rms_m_s2", "f32"),
    (14, "peak_m_s2", "f32"),
    (15, "crest", "f32"),
    (16, "kurtosis", "f32"),
    (17, "peak_to_peak_m_s2", "f32"),
    (18, "skewness", "f32"),
    (19, "velocity_mm_s", "f32"),
    (20, "band_lo_hz", "f32"),
    (21, "band_hi_hz", "f32"),
    (22, "bin_hz", "f32"),
    (23, "averages", "uint"),
    (24, "floor_db", "f32"),
    (25, "step_db", "f32"),
    (26, "amplitude_m_s2", "floats"),
    (27, "envelope_m2_s4", "floats"),
    (28, "samples", "i16s"),
    (29, "scale_m_s2", "f32"),
    (30, "start_sample", "uint"),
    (31, "total", "uint"),
    (32, "heap_free", "uint"),
    (33, "temperature_c", "f32"),
    (34, "windows_acquired", "uint"),
    (35, "windows_analysed", "uint"),
    (36, "windows_lost", "uint"),
    (37, "overruns", "uint"),
    (38, "records_made", "uint"),
    (39, "records_dropped", "uint"),
    (40, "link_damaged", "uint"),
    (41, "reason", "uint"),
    (42, "lost_windows", "uint"),
    (43, "lost_samples", "uint"),
    (44, "first_seq", "uint"),
    (45, "lost_records", "uint"),
    (46, "node", "text"),
    (47, "firmware", "text"),
    (48, "board", "text"),
    (49, "runtime", "text"),
    (50, "wire", "uint"),
    (51, "profile", "text"),
    (52, "sensors", "texts"),
    (53, "reset_cause", "uint"),
    (54, "task_errors", "uint"),
    (55, "saturated", "uint"),
    (56, "sensor", "text"),
    (57, "place", "text"),
    (58, "interval_s", "f32"),
    (59, "warming_up", "uint"),
    (60, "stale_s", "f32"),
    (61, "unchanged", "uint"),
    (62, "readings", "uint"),
    (63, "errors", "uint"),
    (64, "air_temperature_c", "f32"),
    (65, "humidity_pct", "f32"),
    (66, "pressure_hpa", "f32"),
    (67, "co2_ppm", "f32"),
    (68, "voc_ticks", "uint"),
    (69, "nox_ticks", "uint"),
    (70, "voc_index", "uint"),
    (71, "nox_index", "uint"),
    (72, "gas_ohm", "f32"),
    (73, "heater_c", "f32"),
    (74, "pm1_ug_m3", "f32"),
    (75, "pm2_5_ug_m3", "f32"),
    (76, "pm4_ug_m3", "f32"),
    (77, "pm10_ug_m3", "f32"),
    (78, "below_0_5_cm3", "f32"),
    (79, "below_1_cm3", "f32"),
    (80, "below_2_5_cm3", "f32"),
    (81, "below_4_cm3", "f32"),
    (82, "below_10_cm3", "f32"),
    (83, "above_0_3_cm3", "f32"),
    (84, "above_0_5_cm3", "f32"),
    (85, "above_1_cm3", "f32"),
    (86, "above_2_5_cm3", "f32"),
    (87, "above_5_cm3", "f32"),
    (88, "above_10_cm3", "f32"),
    (89, "typical_um", "f32"),
    (90, "pm2_5_dry_ug_m3", "f32"),
    (91, "dry_kappa", "f32"),
    (92, "dry_humidity_pct", "f32"),
    (93, "detail", "text"),
    (94, "event", "uint"),
    (95, "estimated", "uint"),
    (96, "asleep_s", "uint"),
    (97, "battery_v", "f32"),
)

CAUSES = ("schedule", "request", "alarm", "boot")
SHAFT_SOURCES = ("unknown", "configured", "tachometer", "estimated")
LOSS_REASONS = ("overrun", "store_full", "sensor_fault", "restart")
EVENTS = ("stopped", "running", "serviced")
RESET_CAUSES = ("power", "requested", "watchdog", "crash")
AXES = ("x", "y", "z")

_COMMON = ("type", "seq", "epoch", "t_us", "cause")
_SPAN = ("capture", "axis", "first_sample", "count", "rate_hz")
_SHAFT = ("shaft_hz", "shaft_source")
_AIR = (
    ("warming_up", "stale_s", "unchanged", "saturated")
    + ("air_temperature_c", "humidity_pct", "pressure_hpa", "co2_ppm")
    + ("voc_ticks", "nox_ticks", "voc_index", "nox_index", "gas_ohm", "heater_c")
    + ("pm1_ug_m3", "pm2_5_ug_m3", "pm4_ug_m3", "pm10_ug_m3")
    + ("below_0_5_cm3", "below_1_cm3", "below_2_5_cm3", "below_4_cm3", "below_10_cm3")
    + ("above_0_3_cm3", "above_0_5_cm3", "above_1_cm3", "above_2_5_cm3")
    + ("above_5_cm3", "above_10_cm3", "typical_um")
    + ("pm2_5_dry_ug_m3", "dry_kappa", "dry_humidity_pct")
)

# (type, name, required names after the common ones, optional names)
RECORDS = (
    (
        1,
        "boot",
        ("node", "firmware", "board", "runtime", "wire", "profile", "sensors", "reset_cause"),
        (),
    ),
    (
        2,
        "features",
        _SPAN
        + ("mean_m_s2", "rms_m_s2", "peak_m_s2", "crest", "kurtosis")
        + ("peak_to_peak_m_s2", "skewness"),
        ("saturated",) + _SHAFT,
    ),
    (3, "velocity", _SPAN + ("velocity_mm_s", "band_lo_hz", "band_hi_hz"), _SHAFT),
    (
        4,
        "spectrum",
        _SPAN + ("bin_hz", "averages", "amplitude_m_s2"),
        ("floor_db", "step_db") + _SHAFT,
    ),
    (
        5,
        "envelope",
        _SPAN + ("bin_hz", "band_lo_hz", "band_hi_hz", "envelope_m2_s4"),
        ("floor_db", "step_db") + _SHAFT,
    ),
    (6, "waveform", _SPAN + ("samples", "scale_m_s2", "start_sample", "total"), _SHAFT),
    (
        7,
        "health",
        ("heap_free", "windows_acquired", "windows_analysed", "windows_lost", "overruns")
        + ("records_made", "records_dropped", "link_damaged", "task_errors"),
        ("temperature_c", "asleep_s", "battery_v"),
    ),
    (
        8,
        "loss",
        ("reason",),
        ("capture", "first_sample", "lost_samples", "lost_windows", "first_seq", "lost_records")
        + ("sensor", "place", "detail", "estimated"),
    ),
    (9, "air", ("sensor", "place", "interval_s", "readings", "errors"), _AIR),
    (
        10,
        "event",
        ("event",),
        ("capture", "first_sample", "rms_m_s2", "sensor", "place", "detail"),
    ),
)

# 15 is a signed block: records, then a COSE_Sign1 by the node over them. 11 clock is named in
# WIRE.md. Nobody may use these numbers for anything else.
RESERVED_TYPES = (11, 15)

KEY_OF = {name: key for key, name, _kind in FIELDS}
NAME_OF = {key: name for key, name, _kind in FIELDS}
KIND_OF = {name: kind for _key, name, kind in FIELDS}
TYPE_OF = {name: number for number, name, _required, _optional in RECORDS}
RECORD_OF = {number: (name, required, optional) for number, name, required, optional in RECORDS}
COMMON = _COMMON
