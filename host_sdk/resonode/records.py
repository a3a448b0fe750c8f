"""What a node sends, as frozen dataclasses.

Field names, units and types are those of `resonode_wire.fields`; a test keeps the two equal.
Arrays are NumPy arrays nobody can write to. Times `t_us` are microseconds of the node's own
clock since its boot, never restamped.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from resonode.errors import ProtocolError
from resonode_wire import message
from resonode_wire.cbor import TAG_F16, TAG_F32, TAG_U8, Tagged
from resonode_wire.errors import WireError
from resonode_wire.fields import (
    AXES,
    CAUSES,
    EVENTS,
    KIND_OF,
    LOSS_REASONS,
    RESET_CAUSES,
    SHAFT_SOURCES,
)

FloatArray: TypeAlias = NDArray[np.float64]
SampleArray: TypeAlias = NDArray[np.int16]

# Fields whose number stands for a word.
WORDS: dict[str, tuple[str, ...]] = {
    "axis": AXES,
    "cause": CAUSES,
    "event": EVENTS,
    "reason": LOSS_REASONS,
    "reset_cause": RESET_CAUSES,
    "shaft_source": SHAFT_SOURCES,
}
ENCODINGS = {TAG_U8: "u8", TAG_F16: "f16", TAG_F32: "f32"}


def word(name: str, number: int) -> str:
    """Return what `number` means in the field `name`, or the number as text if it is new."""
    words = WORDS[name]
    return words[number] if 0 <= number < len(words) else str(number)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Common:
    """What every record has. Two records are equal if their bytes are."""

    name: ClassVar[str] = ""

    seq: int
    epoch: int
    t_us: int
    cause: int
    raw: bytes = field(repr=False)
    """The exact bytes the node sent."""

    @property
    def cause_name(self) -> str:
        """schedule, request, alarm or boot."""
        return word("cause", self.cause)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Common) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


@dataclass(frozen=True, kw_only=True, eq=False)
class Boot(_Common):
    """The node has started."""

    name: ClassVar[str] = "boot"

    node: str
    firmware: str
    board: str
    runtime: str
    wire: int
    profile: str
    sensors: tuple[str, ...]
    reset_cause: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Span(_Common):
    """Computed from `count` samples from index `first_sample` of a capture on."""

    capture: int
    axis: int
    first_sample: int
    count: int
    rate_hz: float
    shaft_hz: float | None = None
    shaft_source: int | None = None

    @property
    def axis_name(self) -> str:
        """x, y or z."""
        return word("axis", self.axis)


@dataclass(frozen=True, kw_only=True, eq=False)
class Features(_Span):
    """Acceleration statistics of one window; RMS, peak and moments about the mean."""

    name: ClassVar[str] = "features"

    mean_m_s2: float
    rms_m_s2: float
    peak_m_s2: float
    crest: float
    kurtosis: float
    peak_to_peak_m_s2: float
    skewness: float
    saturated: int | None = None
    """1: a sample is where the sensor's range ends, so all values read low."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Velocity(_Span):
    """RMS velocity in a band, mm/s."""

    name: ClassVar[str] = "velocity"

    velocity_mm_s: float
    band_lo_hz: float
    band_hi_hz: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum(_Span):
    """Single-sided amplitude spectrum (peak values, Hann), averaged in power."""

    name: ClassVar[str] = "spectrum"

    bin_hz: float
    averages: int
    amplitude_m_s2: FloatArray
    floor_db: float | None = None
    step_db: float | None = None
    encoding: str = "f32"
    """How the amplitudes travelled: f32, f16 or u8 (log-dB)."""

    @property
    def frequency_hz(self) -> FloatArray:
        """Frequency of every bin, shape as `amplitude_m_s2`."""
        return np.arange(len(self.amplitude_m_s2), dtype=np.float64) * self.bin_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class EnvelopeSpectrum(_Span):
    """Amplitude spectrum of the squared envelope of the band band_lo_hz..band_hi_hz."""

    name: ClassVar[str] = "envelope"

    bin_hz: float
    band_lo_hz: float
    band_hi_hz: float
    envelope_m2_s4: FloatArray
    floor_db: float | None = None
    step_db: float | None = None
    encoding: str = "f32"
    """How the amplitudes travelled: f32, f16 or u8 (log-dB)."""

    @property
    def frequency_hz(self) -> FloatArray:
        """Frequency of every bin, shape as `envelope_m2_s4`."""
        return np.arange(len(self.envelope_m2_s4), dtype=np.float64) * self.bin_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class Waveform(_Span):
    """A block of raw samples; `start_sample` and `total` tell of which whole waveform."""

    name: ClassVar[str] = "waveform"

    samples: SampleArray
    scale_m_s2: float
    start_sample: int
    total: int

    @property
    def accel_m_s2(self) -> FloatArray:
        """Acceleration, m/s², gravity included."""
        return self.samples.astype(np.float64) * self.scale_m_s2


@dataclass(frozen=True, kw_only=True, eq=False)
class Health(_Common):
    """How the node is, and what it has counted since boot."""

    name: ClassVar[str] = "health"

    heap_free: int
    windows_acquired: int
    windows_analysed: int
    windows_lost: int
    overruns: int
    records_made: int
    records_dropped: int
    link_damaged: int
    task_errors: int
    temperature_c: float | None = None
    asleep_s: int | None = None
    battery_v: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss(_Common):
    """Something is gone for good: windows, samples or records."""

    name: ClassVar[str] = "loss"

    reason: int
    capture: int | None = None
    first_sample: int | None = None
    lost_samples: int | None = None
    lost_windows: int | None = None
    first_seq: int | None = None
    lost_records: int | None = None
    sensor: str | None = None
    place: str | None = None
    detail: str | None = None
    estimated: int | None = None

    @property
    def reason_name(self) -> str:
        """overrun, store_full, sensor_fault or restart."""
        return word("reason", self.reason)


@dataclass(frozen=True, kw_only=True, eq=False)
class Event(_Common):
    """The machine stopped (while it stands nothing of it is analysed) or runs again, or somebody
    has done something to an air sensor: `detail` says what, and what came of it."""

    name: ClassVar[str] = "event"

    event: int
    capture: int | None = None
    first_sample: int | None = None
    rms_m_s2: float | None = None
    sensor: str | None = None
    place: str | None = None
    detail: str | None = None

    @property
    def event_name(self) -> str:
        """stopped, running or serviced."""
        return word("event", self.event)


@dataclass(frozen=True, kw_only=True, eq=False)
class Air(_Common):
    """One reading of one air sensor; what it does not measure is None."""

    name: ClassVar[str] = "air"

    sensor: str
    place: str
    interval_s: float
    readings: int
    errors: int
    warming_up: int | None = None
    stale_s: float | None = None
    unchanged: int | None = None
    saturated: int | None = None
    air_temperature_c: float | None = None
    humidity_pct: float | None = None
    pressure_hpa: float | None = None
    co2_ppm: float | None = None
    voc_ticks: int | None = None
    nox_ticks: int | None = None
    voc_index: int | None = None
    nox_index: int | None = None
    gas_ohm: float | None = None
    heater_c: float | None = None
    pm1_ug_m3: float | None = None
    pm2_5_ug_m3: float | None = None
    pm4_ug_m3: float | None = None
    pm10_ug_m3: float | None = None
    below_0_5_cm3: float | None = None
    below_1_cm3: float | None = None
    below_2_5_cm3: float | None = None
    below_4_cm3: float | None = None
    below_10_cm3: float | None = None
    above_0_3_cm3: float | None = None
    above_0_5_cm3: float | None = None
    above_1_cm3: float | None = None
    above_2_5_cm3: float | None = None
    above_5_cm3: float | None = None
    above_10_cm3: float | None = None
    typical_um: float | None = None
    pm2_5_dry_ug_m3: float | None = None
    dry_kappa: float | None = None
    dry_humidity_pct: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class UnknownRecord(_Common):
    """A record of a type this version does not know; its bytes are kept."""

    name: ClassVar[str] = "unknown"

    type: int


Record: TypeAlias = (
    Boot
    | Features
    | Velocity
    | Spectrum
    | EnvelopeSpectrum
    | Waveform
    | Health
    | Loss
    | Air
    | Event
    | UnknownRecord
)

CLASSES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Boot,
        Features,
        Velocity,
        Spectrum,
        EnvelopeSpectrum,
        Waveform,
        Health,
        Loss,
        Air,
        Event,
    )
}


def decode(raw: bytes) -> Record:
    """Return the record `raw` holds.

    Raises:
        ProtocolError: the bytes are no record.
    """
    try:
        name, values = message.decode(raw)
        return _build(name, values, bytes(raw))
    except WireError as error:
        raise ProtocolError(
            "A record cannot be read",
            why=str(error),
            next="Bring node and host to the same release",
        ) from error


def _build(name: str, values: dict[str, Any], raw: bytes) -> Record:
    cls = CLASSES.get(name)
    if cls is None:
        common = {key: values[key] for key in ("type", "seq", "epoch", "t_us", "cause")}
        return UnknownRecord(raw=raw, **common)
    known = {one.name for one in fields(cls)}
    taken: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known or key == "type":  # fields of another type: ignored, like new keys
            continue
        kind = KIND_OF[key]
        if kind == "floats":
            taken["encoding"] = ENCODINGS[value.tag]
            value = _floats(value, values)
        elif kind == "i16s":
            value = _frozen(np.frombuffer(value.value, "<i2").astype(np.int16))
        elif kind == "texts":
            value = tuple(value)
        taken[key] = value
    record: Record = cls(raw=raw, **taken)
    return record


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


def _floats(array: Tagged, values: dict[str, Any]) -> FloatArray:
    if array.tag == TAG_F32:
        return _frozen(np.frombuffer(array.value, "<f4").astype(np.float64))
    if array.tag == TAG_F16:
        return _frozen(np.frombuffer(array.value, "<f2").astype(np.float64))
    floor_db, step_db = values.get("floor_db"), values.get("step_db")
    if floor_db is None or step_db is None:
        raise WireError("u8 levels without floor_db and step_db")
    return _frozen(levels_to_amplitudes(np.frombuffer(array.value, np.uint8), floor_db, step_db))


def levels_to_amplitudes(codes: NDArray[np.uint8], floor_db: float, step_db: float) -> FloatArray:
    """Return the amplitudes of u8 log-dB `codes`: 0 below the floor, else
    10^((floor_db + (code - 1) step_db) / 20)."""
    table_db = floor_db + (np.arange(256) - 1.0) * step_db
    with np.errstate(over="ignore"):  # a damaged level may stand for anything; it stays a float
        table: FloatArray = np.power(10.0, table_db / 20.0)
    table[0] = 0.0
    amplitudes: FloatArray = table[codes]
    return amplitudes


def to_dict(record: Record, *, arrays: bool = True) -> dict[str, Any]:
    """Return `record` as plain values for JSON: names instead of numbers where a number stands
    for a word, lists for arrays (left out unless `arrays`), absent fields left out."""
    result: dict[str, Any] = {"type": record.name}
    for one in fields(record):
        value = getattr(record, one.name)
        if value is None or one.name == "raw":
            continue
        if isinstance(value, np.ndarray):
            if arrays:
                result[one.name] = value.tolist()
        elif one.name in WORDS:
            result[one.name] = word(one.name, value)
        elif isinstance(record, UnknownRecord) and one.name == "type":
            result["type_number"] = value
        else:
            result[one.name] = list(value) if isinstance(value, tuple) else value
    return result
