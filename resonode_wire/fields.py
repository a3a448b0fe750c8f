"""THE TABLE of what a record can carry. Encoder, decoder, CDDL, SDK and store all read it.

Runs on: MicroPython and CPython.

A key never changes its meaning and is never used again. New keys may be added; decoders ignore
the ones they do not know.
"""

# Largest encoded record. A node may rely on every host taking it.
MAX_RECORD = 4000
MAX_TEXT = 64
MAX_SEQ = 1 << 53

# Kinds: uint, f32 (any CBOR float), text, texts (array of text), and typed arrays:
# floats (RFC 8746 f32 or f16, or u8 log-dB codes scaled by floor_db and step_db) and i16s.

# (key, name, kind, unit, meaning)
FIELDS = (
    (0, "type", "uint", "", "record type, see RECORDS"),
    (1, "seq", "uint", "", "rises by one with every record for the life of the node"),
    (2, "epoch", "uint", "", "boots of the node so far"),
    (3, "t_us", "uint", "us", "node clock since boot: end of the span, or when it was written"),
    (4, "cause", "uint", "", "what made it be sent, see CAUSES"),
    (5, "capture", "uint", "", "run of the sensor; sample indices count from its start"),
    (6, "axis", "uint", "", "0 x, 1 y, 2 z"),
    (7, "first_sample", "uint", "", "index of the first sample of the span"),
    (8, "count", "uint", "", "samples in the span"),
    (9, "rate_hz", "f32", "Hz", "sample rate, measured against the node's clock"),
    (10, "shaft_hz", "f32", "Hz", "shaft speed"),
    (11, "shaft_source", "uint", "", "where shaft_hz is from, see SHAFT_SOURCES"),
    (12, "mean_m_s2", "f32", "m/s2", "mean, which holds gravity"),
    (13, "rms_m_s2", "f32", "m/s2", "root mean square about the mean"),
    (14, "peak_m_s2", "f32", "m/s2", "largest distance from the mean"),
    (15, "crest", "f32", "", "peak / RMS; 0 for a constant signal"),
    (16, "kurtosis", "f32", "", "fourth moment / squared variance: 3 for Gaussian noise"),
    (17, "peak_to_peak_m_s2", "f32", "m/s2", "largest minus smallest"),
    (18, "skewness", "f32", "", "third moment / variance^1.5"),
    (19, "velocity_mm_s", "f32", "mm/s", "RMS velocity in band_lo_hz..band_hi_hz"),
    (20, "band_lo_hz", "f32", "Hz", "lower edge of the band"),
    (21, "band_hi_hz", "f32", "Hz", "upper edge of the band"),
    (22, "bin_hz", "f32", "Hz", "distance of spectrum bins; bin k is at k * bin_hz"),
    (23, "averages", "uint", "", "windows averaged (in power)"),
    (24, "floor_db", "f32", "dB", "level of u8 code 1, re one unit; code 0 is below it"),
    (25, "step_db", "f32", "dB", "level between two u8 codes"),
    (26, "amplitude_m_s2", "floats", "m/s2", "single-sided peak amplitude, Hann"),
    (27, "envelope_m2_s4", "floats", "m2/s4", "amplitude of the squared envelope, Hann"),
    (28, "samples", "i16s", "LSB", "raw samples"),
    (29, "scale_m_s2", "f32", "m/s2", "one LSB"),
    (30, "start_sample", "uint", "", "index of the first sample of the whole waveform"),
    (31, "total", "uint", "", "samples of the whole waveform"),
    (32, "heap_free", "uint", "B", "free memory"),
    (33, "temperature_c", "f32", "C", "temperature of the sensor chip"),
    (34, "windows_acquired", "uint", "", "windows due since boot, all axes together as one"),
    (35, "windows_analysed", "uint", "", "of these, analysed"),
    (36, "windows_lost", "uint", "", "of these, lost to overrun or fault"),
    (37, "overruns", "uint", "", "times the sensor's FIFO overran"),
    (38, "records_made", "uint", "", "records written since boot"),
    (39, "records_dropped", "uint", "", "of these, overwritten before they were acknowledged"),
    (40, "link_damaged", "uint", "", "damaged pieces received on the link"),
    (41, "reason", "uint", "", "why something was lost, see LOSS_REASONS"),
    (42, "lost_windows", "uint", "", "windows lost"),
    (43, "lost_samples", "uint", "", "samples lost, from first_sample on"),
    (44, "first_seq", "uint", "", "first record lost"),
    (45, "lost_records", "uint", "", "records lost"),
    (46, "node", "text", "", "node id"),
    (47, "firmware", "text", "", "firmware version"),
    (48, "board", "text", "", "board name"),
    (49, "runtime", "text", "", "MicroPython version"),
    (50, "wire", "uint", "", "wire version"),
    (51, "profile", "text", "", "open or closed: whether sessions are sealed"),
    (52, "sensors", "texts", "", "chips found"),
    (53, "reset_cause", "uint", "", "see RESET_CAUSES"),
    (54, "task_errors", "uint", "", "exceptions that ended at a task boundary"),
    (55, "saturated", "uint", "", "1: something is where the sensor's range ends, values read low"),
    (56, "sensor", "text", "", "chip that measured, by its name in the boot record"),
    (57, "place", "text", "", "where it is fitted: i2c0/0x62, uart1"),
    (58, "interval_s", "f32", "s", "from one reading that is due to the next"),
    (59, "warming_up", "uint", "", "1: within its warm-up, values are not yet of its accuracy"),
    (60, "stale_s", "f32", "s", "age of the values, where the sensor had no newer ones"),
    (61, "unchanged", "uint", "", "readings before this one with the very same values"),
    (62, "readings", "uint", "", "of this sensor since boot"),
    (63, "errors", "uint", "", "readings of this sensor that were due and failed, since boot"),
    (64, "air_temperature_c", "f32", "C", "temperature of the air"),
    (65, "humidity_pct", "f32", "%", "relative humidity"),
    (66, "pressure_hpa", "f32", "hPa", "air pressure"),
    (67, "co2_ppm", "f32", "ppm", "carbon dioxide"),
    (68, "voc_ticks", "uint", "", "raw signal, log of the resistance; falls as VOC rise"),
    (69, "nox_ticks", "uint", "", "raw signal, log of the resistance; rises with NOx"),
    (70, "voc_index", "uint", "", "1..500, 100 is the air of the last day; 0 while it starts"),
    (71, "nox_index", "uint", "", "1..500, 1 is the air of the last day; 0 while it starts"),
    (72, "gas_ohm", "f32", "ohm", "resistance of the gas sensor"),
    (73, "heater_c", "f32", "C", "what the gas sensor was heated to"),
    (74, "pm1_ug_m3", "f32", "ug/m3", "mass of particles up to 1 um"),
    (75, "pm2_5_ug_m3", "f32", "ug/m3", "mass of particles up to 2.5 um"),
    (76, "pm4_ug_m3", "f32", "ug/m3", "mass of particles up to 4 um"),
    (77, "pm10_ug_m3", "f32", "ug/m3", "mass of particles up to 10 um"),
    (78, "below_0_5_cm3", "f32", "1/cm3", "number of particles of 0.3 to 0.5 um"),
    (79, "below_1_cm3", "f32", "1/cm3", "number of particles of 0.3 to 1 um"),
    (80, "below_2_5_cm3", "f32", "1/cm3", "number of particles of 0.3 to 2.5 um"),
    (81, "below_4_cm3", "f32", "1/cm3", "number of particles of 0.3 to 4 um"),
    (82, "below_10_cm3", "f32", "1/cm3", "number of particles of 0.3 to 10 um"),
    (83, "above_0_3_cm3", "f32", "1/cm3", "number of particles above 0.3 um"),
    (84, "above_0_5_cm3", "f32", "1/cm3", "number of particles above 0.5 um"),
    (85, "above_1_cm3", "f32", "1/cm3", "number of particles above 1 um"),
    (86, "above_2_5_cm3", "f32", "1/cm3", "number of particles above 2.5 um"),
    (87, "above_5_cm3", "f32", "1/cm3", "number of particles above 5 um"),
    (88, "above_10_cm3", "f32", "1/cm3", "number of particles above 10 um"),
    (89, "typical_um", "f32", "um", "typical size of the particles"),
    (90, "pm2_5_dry_ug_m3", "f32", "ug/m3", "pm2_5_ug_m3 less the water the particles hold"),
    (91, "dry_kappa", "f32", "", "hygroscopicity assumed for that"),
    (92, "dry_humidity_pct", "f32", "%", "relative humidity taken for that"),
    (93, "detail", "text", "", "what happened, in plain words"),
    (94, "event", "uint", "", "what happened, see EVENTS"),
    (95, "estimated", "uint", "", "1: how many samples were lost is known by the clock only"),
)

CAUSES = ("schedule", "request", "alarm", "boot")
SHAFT_SOURCES = ("unknown", "configured", "tachometer", "estimated")
LOSS_REASONS = ("overrun", "store_full", "sensor_fault", "restart")
EVENTS = ("stopped", "running")
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
        ("temperature_c",),
    ),
    (
        8,
        "loss",
        ("reason",),
        ("capture", "first_sample", "lost_samples", "lost_windows", "first_seq", "lost_records")
        + ("sensor", "place", "detail", "estimated"),
    ),
    (9, "air", ("sensor", "place", "interval_s", "readings", "errors"), _AIR),
    (10, "event", ("event",), ("capture", "first_sample", "rms_m_s2")),
)

# 15 is a signed block: records, then a COSE_Sign1 by the node over them. 11 clock is named in
# WIRE.md. Nobody may use these numbers for anything else.
RESERVED_TYPES = (11, 15)

KEY_OF = {name: key for key, name, _kind, _unit, _meaning in FIELDS}
FIELD_OF = {key: (name, kind) for key, name, kind, _unit, _meaning in FIELDS}
KIND_OF = {name: kind for _key, name, kind, _unit, _meaning in FIELDS}
UNIT_OF = {name: unit for _key, name, _kind, unit, _meaning in FIELDS}
TYPE_OF = {name: number for number, name, _required, _optional in RECORDS}
RECORD_OF = {number: (name, required, optional) for number, name, required, optional in RECORDS}
COMMON = _COMMON
