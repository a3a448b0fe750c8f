"""The C DSP core on NumPy arrays: the same code that runs on the node.

Thin wrappers over the compiled `resonode._dsp`; `c_dsp/dsp.h` is the manual of what they compute.
Arrays are read where they lie, never copied: they must be C-contiguous and of the stated dtype.
Samples are int16 LSB as the sensor gives them, gravity included; `scale` is m/s² per LSB.

Every function raises TypeError for a wrong dtype, shape or layout and DspError for a value the core
refuses (a length, a band, a scale).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    _dsp: Any = importlib.import_module("resonode._dsp")
except ImportError as error:  # pragma: no cover - only in a broken installation
    raise ImportError(
        "resonode._dsp, the compiled DSP core, is missing: "
        "install with `pip install .` (needs a C compiler and the Python headers)"
    ) from error

_ffi: Any = _dsp.ffi
_lib: Any = _dsp.lib

Int16Array = npt.NDArray[np.int16]
Int32Array = npt.NDArray[np.int32]
Float16Array = npt.NDArray[np.float16]
Float32Array = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]

VERSION: int = _lib.DSP_VERSION
N_MIN: int = _lib.DSP_N_MIN
N_MAX: int = _lib.DSP_N_MAX
DECIMATE_FACTOR: int = _lib.DSP_DECIMATE_FACTOR
DECIMATE_TAPS: int = _lib.DSP_DECIMATE_TAPS
DECIMATE_SETTLE: int = _lib.DSP_DECIMATE_SETTLE
DECIMATE_FRACTION_BITS: int = _lib.DSP_DECIMATE_FRACTION_BITS
FIFO_WORD_BYTES: int = _lib.DSP_FIFO_WORD_BYTES


class DspError(ValueError):
    """The core refused its arguments.

    Attributes:
        status: the negative `dsp_status` of dsp.h.
    """

    def __init__(self, function: str, status: int) -> None:
        text = _ffi.string(_lib.dsp_status_text(status)).decode()
        super().__init__(f"{function}: {text}")
        self.status = status


def _check(function: str, status: int) -> None:
    if status != _lib.DSP_OK:
        raise DspError(function, status)


# Made once: to make them from names at each call takes longer than a short transform.
_INT16, _INT32, _FLOAT32 = (np.dtype(one) for one in (np.int16, np.int32, np.float32))
_INT16S, _INT32S, _FLOATS = (_ffi.typeof(one) for one in ("int16_t[]", "int32_t[]", "float[]"))


def _pointer(name: str, array: npt.NDArray[Any], dtype: np.dtype[Any], ctype: Any) -> Any:
    """The array's own memory as a C pointer."""
    if getattr(array, "dtype", None) != dtype or array.ndim != 1:
        raise TypeError(f"{name}: a one-dimensional array of {dtype} is needed")
    try:
        return _ffi.from_buffer(ctype, array)
    except ValueError:  # NumPy gives out only memory that lies together
        raise TypeError(f"{name}: not contiguous; pass a copy (numpy.ascontiguousarray)") from None


def _i16(name: str, array: Int16Array) -> Any:
    return _pointer(name, array, _INT16, _INT16S)


def _i32(name: str, array: Int32Array) -> Any:
    return _pointer(name, array, _INT32, _INT32S)


def _f32(name: str, array: Float32Array) -> Any:
    return _pointer(name, array, _FLOAT32, _FLOATS)


def _new_f32(n: int) -> tuple[Float32Array, Any]:
    array = np.empty(n, _FLOAT32)
    return array, _ffi.from_buffer(_FLOATS, array, True)


@lru_cache(maxsize=16)
def _plan(n: int) -> tuple[Any, Any]:
    """The plan of a size, and the memory it lives in, which must outlive it."""
    memory_bytes = max(1, _lib.dsp_plan_bytes(n))
    memory = _ffi.new("float[]", (memory_bytes + 3) // 4)
    plan = _ffi.new("dsp_plan const **")
    _check("plan", _lib.dsp_plan_init(n, memory, memory_bytes, plan))
    return plan[0], memory


@dataclass(frozen=True, slots=True)
class Features:
    """Statistics of one block. rms, peak and the rest are of the signal without its mean."""

    mean: float  # m/s², gravity included
    rms: float  # m/s²
    peak: float  # m/s²
    crest: float  # peak / rms; 0 for a constant signal, like kurtosis and skewness
    kurtosis: float  # Pearson: a Gaussian has 3
    peak_to_peak: float  # m/s²
    skewness: float
    saturated: bool  # a sample is -32768 or 32767, where the sensor's range ends


def features(x: Int16Array, scale: float) -> Features:
    """Mean, RMS, peak, crest, kurtosis, peak-to-peak and skewness of 2..65535 samples."""
    out = _ffi.new("dsp_feature_set *")
    _check("features", _lib.dsp_features(_i16("x", x), len(x), scale, out))
    return Features(
        *(out.mean, out.rms, out.peak, out.crest, out.kurtosis, out.peak_to_peak, out.skewness),
        saturated=bool(out.saturated),
    )


def rfft(x: Int16Array | Int32Array | Float32Array) -> Float32Array:
    """Real FFT in half-complex order: X[0], Re X[1..n/2-1], X[n/2], Im X[n/2-1..1], unscaled.

    Integers lose their mean (bin 0 is 0); floats do not. n is a power of two in N_MIN..N_MAX.
    """
    dtype: Any = getattr(x, "dtype", None)
    if dtype == _INT16:
        run, pointer = _lib.dsp_rfft_i16, _i16("x", x)  # type: ignore[arg-type]
    elif dtype == _INT32:
        run, pointer = _lib.dsp_rfft_i32, _i32("x", x)  # type: ignore[arg-type]
    else:
        run, pointer = _lib.dsp_rfft_f32, _f32("x", x)  # type: ignore[arg-type]
    y, y_pointer = _new_f32(len(x))
    _check("rfft", run(_plan(len(x))[0], pointer, y_pointer))
    return y


def rfft_rows(x: Float32Array) -> Float32Array:
    """Real FFT of each row of a matrix, in half-complex order: the bits of `rfft`, row by row.

    Faster than a loop; other threads run meanwhile.
    """
    if getattr(x, "dtype", None) != np.float32 or x.ndim != 2 or not x.flags.c_contiguous:
        raise TypeError("x: a C-contiguous matrix of float32 is needed")
    rows, n = x.shape
    plan, _ = _plan(n)
    y = np.empty_like(x)
    source = _ffi.from_buffer("float[]", x)
    target = _ffi.from_buffer("float[]", y, require_writable=True)
    _check("rfft_rows", _lib.dsp_rfft_f32_rows(plan, source, rows, target))
    return y


def irfft(y: Float32Array) -> Float32Array:
    """Inverse of `rfft` of floats: the record of a half-complex spectrum."""
    pointer = _f32("y", y)
    x, x_pointer = _new_f32(len(y))
    _, work = _new_f32(len(y))
    _check("irfft", _lib.dsp_irfft_f32(_plan(len(y))[0], pointer, work, x_pointer))
    return x


def rfft_q15(x: Int16Array) -> tuple[Int16Array, int]:
    """Real FFT in 16-bit block floating point, as a chip without an FPU computes it.

    Returns y = X[0], X[n/2], Re X[1], Im X[1], Re X[2], .. and an exponent: X = y 2^exponent.
    The mean is not removed. n is a power of two in 256..8192; x lies at a multiple of 4 bytes.
    """
    pointer = _i16("x", x)
    y = np.empty(len(x), np.int16)
    exponent = _ffi.new("int32_t *")
    target = _ffi.from_buffer("int16_t[]", y, require_writable=True)
    _check("rfft_q15", _lib.dsp_rfft_q15(len(x), pointer, target, exponent))
    return y, int(exponent[0])


def to_complex(y: Float32Array) -> npt.NDArray[np.complex64]:
    """Half-complex order to the n/2 + 1 bins of `numpy.fft.rfft`."""
    half = len(y) // 2
    bins = np.zeros(half + 1, np.complex64)
    bins.real = y[: half + 1]
    bins.imag[1:half] = y[:half:-1]
    return bins


def spectrum(x: Int16Array, scale: float) -> Float32Array:
    """Single-sided amplitude spectrum, m/s², n/2 + 1 bins: Hann window, mean removed.

    A sine on a bin reads its peak value.
    """
    pointer = _i16("x", x)
    plan, _ = _plan(len(x))
    work, work_pointer = _new_f32(len(x))
    _check("spectrum", _lib.dsp_spectrum(plan, pointer, scale, work_pointer, work_pointer))
    return work[: len(x) // 2 + 1].copy()


def envelope_points(k_lo: int, k_hi: int) -> int:
    """Smallest transform that holds the envelope of the band k_lo..k_hi."""
    points = N_MIN
    while points < 2 * (k_hi - k_lo + 1):
        points *= 2
    return points


def envelope(
    x: Int16Array, scale: float, k_lo: int, k_hi: int, bins: int | None = None
) -> Float32Array:
    """Amplitude spectrum of the squared envelope of a band, (m/s²)²; bins as wide as those of x.

    Args:
        k_lo, k_hi: band in bins of the n-point spectrum, both inside it; 1 <= k_lo <= k_hi < n/2.
        bins: how many to return, at most (and by default) k_hi - k_lo + 1.
    """
    y = rfft(x)
    width = k_hi - k_lo + 1
    plan, _ = _plan(envelope_points(k_lo, k_hi))
    _, scratch = _new_f32(2 * envelope_points(k_lo, k_hi))
    count = width if bins is None else bins
    amp, amp_pointer = _new_f32(max(count, 0))
    _check(
        "envelope",
        _lib.dsp_envelope(
            plan, _f32("y", y), len(y), k_lo, k_hi, scale, count, scratch, amp_pointer
        ),
    )
    return amp


class Decimator:
    """Streaming decimation by DECIMATE_FACTOR: any cutting into blocks gives the same outputs.

    The first sample counts as having been there for ever; the first DECIMATE_SETTLE outputs are
    not settled yet.
    """

    def __init__(self) -> None:
        self._state = _ffi.new("dsp_decimator *")
        self.reset()

    def reset(self) -> None:
        """Forget the past, as after a gap."""
        _lib.dsp_decimate_reset(self._state)

    def feed(self, x: Int16Array) -> Int32Array:
        """Outputs that `x` completes, in LSB / 2**DECIMATE_FRACTION_BITS."""
        pointer = _i16("x", x)
        out = np.empty(_lib.dsp_decimate_count(self._state, len(x)), np.int32)
        out_pointer = _ffi.from_buffer("int32_t[]", out, require_writable=True)
        produced = _ffi.new("int32_t *")
        status = _lib.dsp_decimate(self._state, pointer, len(x), len(out), out_pointer, produced)
        _check("decimate", status)
        return out


def velocity(
    rec: Int32Array, scale: float, rate_hz: float, f_lo_hz: float = 10.0, f_hi_hz: float = 1000.0
) -> float:
    """RMS velocity in a band, mm/s, from a record that Decimator made.

    Args:
        rec: n values, LSB / 2**DECIMATE_FRACTION_BITS.
        scale: m/s² per LSB (not per fraction of it).
        rate_hz: rate of `rec`.
    """
    pointer = _i32("rec", rec)
    plan, _ = _plan(len(rec))
    _, work = _new_f32(len(rec))
    out = _ffi.new("float *")
    _check(
        "velocity",
        _lib.dsp_velocity(plan, pointer, scale, rate_hz, f_lo_hz, f_hi_hz, work, out),
    )
    return float(out[0])


@dataclass(frozen=True, slots=True)
class FifoSplit:
    """What a FIFO image held. Counts are of words."""

    x: Int16Array  # LSB
    y: Int16Array
    z: Int16Array
    timestamps: int
    timestamp: int  # the last one, sensor ticks, unsigned
    before_timestamp: int  # samples of this image before it
    temperatures: int
    temperature: int  # the last one, LSB
    bad: int  # bad parity or unknown tag: not data
    hole: bool  # the tag counter skipped: samples are missing inside the image


def fifo_split(image: bytes | bytearray | memoryview) -> FifoSplit:
    """Split an image of 7-byte tagged words (ST accelerometers) into its axes.

    Raises:
        ValueError: the image is not a whole number of words.
    """
    words, rest = divmod(len(image), FIFO_WORD_BYTES)
    if rest:
        raise ValueError(f"image: {len(image)} bytes are no whole number of {FIFO_WORD_BYTES}")
    axes = np.empty((3, words), np.int16)
    pointers = [_ffi.from_buffer("int16_t[]", axis, require_writable=True) for axis in axes]
    info = _ffi.new("dsp_fifo_info *")
    source = _ffi.from_buffer("uint8_t[]", image)
    _check("fifo_split", _lib.dsp_fifo_split(source, words, words, *pointers, info))
    n = info.samples
    return FifoSplit(
        x=axes[0, :n],
        y=axes[1, :n],
        z=axes[2, :n],
        timestamps=info.timestamps,
        timestamp=info.timestamp & 0xFFFFFFFF,
        before_timestamp=info.before_timestamp,
        temperatures=info.temperatures,
        temperature=info.temperature,
        bad=info.bad,
        hole=bool(info.hole),
    )


def pack_f16(values: Float32Array) -> Float16Array:
    """Half floats, rounded to nearest even; what does not fit is clamped to +-65504."""
    out = np.empty(len(values), np.uint16)
    pointer = _ffi.from_buffer("uint16_t[]", out, require_writable=True)
    _check("pack_f16", _lib.dsp_pack_f16(_f32("values", values), len(values), pointer))
    return out.view(np.float16)


def unpack_f16(data: bytes | bytearray | memoryview) -> Float32Array:
    """Values of little-endian half floats."""
    return np.frombuffer(data, "<f2").astype(np.float32)


def pack_db8(values: Float32Array, step_db: float) -> tuple[Uint8Array, float]:
    """Codes of one byte per value, and the floor in dB re 1 unit (see `unpack_db8`)."""
    codes = np.empty(len(values), np.uint8)
    pointer = _ffi.from_buffer("uint8_t[]", codes, require_writable=True)
    floor_db = _ffi.new("float *")
    source = _f32("values", values)
    _check("pack_db8", _lib.dsp_pack_db8(source, len(values), step_db, pointer, floor_db))
    return codes, float(floor_db[0])


def unpack_db8(
    codes: bytes | bytearray | memoryview, floor_db: float, step_db: float
) -> Float32Array:
    """Values of codes: 10**((floor_db + (code - 1) step_db) / 20); 0 for code 0 (below floor)."""
    code = np.frombuffer(codes, np.uint8).astype(np.float64)
    values = 10.0 ** ((floor_db + (code - 1.0) * step_db) / 20.0)
    return np.where(code == 0, 0.0, values).astype(np.float32)


# --- windows -------------------------------------------------------------------------------------

WINDOWS = ("hann", "hamming", "blackman-harris", "flat-top")


def _window(name: str) -> int:
    if name not in WINDOWS:
        raise ValueError(f"window: {name!r} is none of {', '.join(WINDOWS)}")
    return WINDOWS.index(name)


def window_info(window: str) -> tuple[float, float]:
    """Coherent gain, and equivalent noise bandwidth in bins, of a window by name."""
    gain, enbw = _ffi.new("float *"), _ffi.new("float *")
    _check("window_info", _lib.dsp_window_info(_window(window), gain, enbw))
    return float(gain[0]), float(enbw[0])


def spectrum_window(x: Int16Array, scale: float, window: str) -> Float32Array:
    """`spectrum` with a window by name (WINDOWS)."""
    pointer = _i16("x", x)
    plan, _ = _plan(len(x))
    _, work = _new_f32(len(x))
    amp, amp_pointer = _new_f32(len(x) // 2 + 1)
    _check(
        "spectrum_window",
        _lib.dsp_spectrum_window(plan, pointer, scale, _window(window), work, amp_pointer),
    )
    return amp


def kaiser(n: int, beta: float) -> tuple[Float32Array, float, float]:
    """Kaiser's window (periodic) of n points, its coherent gain and its ENBW in bins."""
    w, pointer = _new_f32(max(n, 0))
    gain, enbw = _ffi.new("float *"), _ffi.new("float *")
    _check("kaiser", _lib.dsp_kaiser(n, beta, pointer, gain, enbw))
    return w, float(gain[0]), float(enbw[0])


def spectrum_table(
    x: Int16Array, scale: float, w: Float32Array, coherent_gain: float
) -> Float32Array:
    """`spectrum` with a window given as n values and their mean."""
    pointer = _i16("x", x)
    if len(w) != len(x):
        raise TypeError("w: as many values as samples are needed")
    plan, _ = _plan(len(x))
    _, work = _new_f32(2 * len(x))
    amp, amp_pointer = _new_f32(len(x) // 2 + 1)
    _check(
        "spectrum_table",
        _lib.dsp_spectrum_table(
            plan, pointer, scale, _f32("w", w), coherent_gain, work, amp_pointer
        ),
    )
    return amp


class Welch:
    """Streaming power spectral density: segments of n samples, `overlap` of them kept."""

    def __init__(self, n: int, overlap: int | None = None, window: str = "hann") -> None:
        self._n = n
        self._plan, self._plan_memory = _plan(n)
        memory_bytes = _lib.dsp_welch_bytes(n)
        self._memory = _ffi.new("float[]", memory_bytes // 4 + 1)
        state = _ffi.new("dsp_welch **")
        status = _lib.dsp_welch_init(
            n,
            n // 2 if overlap is None else overlap,
            _window(window),
            self._memory,
            memory_bytes,
            state,
        )
        _check("welch", status)
        self._state = state[0]
        _, self._work = _new_f32(n)

    def reset(self) -> None:
        """Forget all samples and segments."""
        _lib.dsp_welch_reset(self._state)

    def feed(self, x: Int16Array) -> int:
        """Take samples; segments averaged so far."""
        pointer = _i16("x", x)
        _check("welch", _lib.dsp_welch_feed(self._state, self._plan, pointer, len(x), self._work))
        return int(_lib.dsp_welch_segments(self._state))

    def psd(self, scale: float, rate_hz: float) -> Float32Array:
        """One-sided density, (m/s²)²/Hz, n/2 + 1 bins."""
        psd, pointer = _new_f32(self._n // 2 + 1)
        _check("welch", _lib.dsp_welch_psd(self._state, scale, rate_hz, pointer))
        return psd


# --- lines, bearings, bands ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a spectrum, interpolated between bins."""

    freq_hz: float
    amp: float


def peaks(
    amp: Float32Array, bin_hz: float, *, room: int = 8, least: float = 0.0, window: str = "hann"
) -> list[Line]:
    """The largest local maxima of an amplitude spectrum, largest bin first."""
    out = _ffi.new("dsp_line[]", max(room, 1))
    found = _ffi.new("int32_t *")
    status = _lib.dsp_peaks(
        _f32("amp", amp), len(amp), bin_hz, _window(window), least, room, out, found
    )
    _check("peaks", status)
    return [Line(out[i].freq_hz, out[i].amp) for i in range(found[0])]


def lines(
    amp: Float32Array,
    bin_hz: float,
    *,
    step_hz: float,
    base_hz: float = 0.0,
    first: int = 1,
    count: int = 5,
    tolerance: float = 0.0,
    window: str = "hann",
) -> list[Line]:
    """The lines at base + i step, i = first.. (harmonics; or sidebands, with a carrier as base).

    A line outside the spectrum is Line(0, 0). `tolerance` widens the search, relatively.
    """
    out = _ffi.new("dsp_line[]", max(count, 1))
    status = _lib.dsp_lines(
        *(_f32("amp", amp), len(amp), bin_hz, _window(window)),
        *(base_hz, step_hz, first, count, tolerance, out),
    )
    _check("lines", status)
    return [Line(out[i].freq_hz, out[i].amp) for i in range(count)]


@dataclass(frozen=True, slots=True)
class Score:
    """How far a line stands above its surroundings (dsp_score in dsp.h)."""

    freq_hz: float
    amp: float
    background: float
    ratio: float  # noise gives 1.5 to 4
    family_ratio: float
    sideband_ratio: float  # 0 when no sidebands were asked for
    harmonics: int


def line_score(
    amp: Float32Array,
    bin_hz: float,
    f_hz: float,
    *,
    side_hz: float = 0.0,
    harmonics: int = 3,
    tolerance: float = 0.01,
) -> Score:
    """Score of a line, its harmonics and their sidebands against the local background."""
    out = _ffi.new("dsp_score *")
    status = _lib.dsp_line_score(
        _f32("amp", amp), len(amp), bin_hz, f_hz, side_hz, harmonics, tolerance, out
    )
    _check("line_score", status)
    return Score(
        *(out.freq_hz, out.amp, out.background, out.ratio),
        *(out.family_ratio, out.sideband_ratio, out.harmonics),
    )


@dataclass(frozen=True, slots=True)
class Bearing:
    """Defect orders: multiples of the shaft's frequency, outer ring fixed."""

    bpfo: float
    bpfi: float
    bsf2: float  # twice the element's spin
    ftf: float


def bearing_orders(
    elements: int, element_diameter: float, pitch_diameter: float, contact_deg: float = 0.0
) -> Bearing:
    """Orders from a bearing's geometry; both diameters in one unit."""
    out = _ffi.new("dsp_bearing *")
    status = _lib.dsp_bearing_orders(elements, element_diameter, pitch_diameter, contact_deg, out)
    _check("bearing_orders", status)
    return Bearing(out.bpfo, out.bpfi, out.bsf2, out.ftf)


def severity_zone(velocity_mm_s: float, limits_mm_s: tuple[float, float, float]) -> str:
    """Zone "A".."D" of ISO 20816-1; a value on a limit still belongs to the better zone."""
    zone = _ffi.new("int32_t *")
    limits = _ffi.new("float[3]", list(limits_mm_s))
    _check("severity_zone", _lib.dsp_severity_zone(velocity_mm_s, limits, zone))
    return "ABCD"[zone[0]]


def band_rms(
    amp: Float32Array,
    bin_hz: float,
    bands_hz: list[tuple[float, float]],
    *,
    window: str = "hann",
) -> Float32Array:
    """RMS of each band of an amplitude spectrum (all its n/2 + 1 bins)."""
    limits = _ffi.new("float[]", [limit for band in bands_hz for limit in band])
    rms, pointer = _new_f32(len(bands_hz))
    enbw = window_info(window)[1]
    status = _lib.dsp_band_rms(
        _f32("amp", amp), len(amp), bin_hz, enbw, limits, len(bands_hz), pointer
    )
    _check("band_rms", status)
    return rms


@dataclass(frozen=True, slots=True)
class ShapeFactors:
    """How a block's peak and RMS compare with its mean magnitude; all 0 for a constant."""

    mean_magnitude: float  # m/s²
    shape: float
    impulse: float
    clearance: float


def shape_factors(x: Int16Array, scale: float) -> ShapeFactors:
    """Shape, impulse and clearance factors of 2..65535 samples without their mean."""
    out = _ffi.new("dsp_shape_set *")
    _check("shape_factors", _lib.dsp_shape_factors(_i16("x", x), len(x), scale, out))
    return ShapeFactors(out.mean_magnitude, out.shape, out.impulse, out.clearance)


def displacement(
    rec: Int32Array, scale: float, rate_hz: float, f_lo_hz: float = 10.0, f_hi_hz: float = 1000.0
) -> float:
    """RMS displacement in a band, um: `velocity` integrated once more."""
    pointer = _i32("rec", rec)
    plan, _ = _plan(len(rec))
    _, work = _new_f32(len(rec))
    out = _ffi.new("float *")
    status = _lib.dsp_displacement(plan, pointer, scale, rate_hz, f_lo_hz, f_hi_hz, work, out)
    _check("displacement", status)
    return float(out[0])


@dataclass(frozen=True, slots=True)
class MotionFigures:
    """What Motion measured since the last reading."""

    count: int
    velocity_rms: float  # mm/s
    velocity_peak: float  # mm/s
    displacement_rms: float  # um
    displacement_peak_to_peak: float  # um


class Motion:
    """Velocity and displacement by a streaming filter, from what Decimator gives.

    Args:
        rate_hz: of the decimated record; velocity is good from f_lo_hz to 0.3 of it.
        scale: m/s² per LSB (not per fraction of it).
    """

    def __init__(self, rate_hz: float, scale: float, f_lo_hz: float = 10.0) -> None:
        self._state = _ffi.new("dsp_motion *")
        _check("motion", _lib.dsp_motion_init(rate_hz, f_lo_hz, scale, self._state))

    def feed(self, rec: Int32Array) -> tuple[Float32Array, Float32Array]:
        """Velocity in mm/s and displacement in um, a value each for every value of `rec`."""
        pointer = _i32("rec", rec)
        speed, speed_pointer = _new_f32(len(rec))
        travel, travel_pointer = _new_f32(len(rec))
        status = _lib.dsp_motion_feed(self._state, pointer, len(rec), speed_pointer, travel_pointer)
        _check("motion", status)
        return speed, travel

    def read(self) -> MotionFigures:
        """Figures since the last reading, without what was not settled."""
        out = _ffi.new("dsp_motion_set *")
        _check("motion", _lib.dsp_motion_read(self._state, out))
        return MotionFigures(
            *(out.count, out.velocity_rms, out.velocity_peak),
            *(out.displacement_rms, out.displacement_peak_to_peak),
        )


# --- envelope, streaming -------------------------------------------------------------------------


class EnvelopeStream:
    """Squared envelope spectra of a band from seconds of signal, in constant memory.

    Attributes:
        bin_hz: width of the bins.
        span: samples that a spectrum is made of, with the reach of the filters.
        memory_bytes: what the state takes on a node.
    """

    def __init__(
        self, rate_hz: float, f_lo_hz: float, f_hi_hz: float, *, f_max_hz: float, points: int
    ) -> None:
        setup = _ffi.new("dsp_envelope_setup *", (rate_hz, f_lo_hz, f_hi_hz, f_max_hz, points))
        self.memory_bytes = int(_lib.dsp_envelope_stream_bytes(setup))
        self._memory = _ffi.new("float[]", self.memory_bytes // 4 + 1)
        state = _ffi.new("dsp_envelope_stream **")
        status = _lib.dsp_envelope_stream_init(setup, self._memory, self.memory_bytes, state)
        _check("envelope_stream", status)
        self._state = state[0]
        self._plan, self._plan_memory = _plan(points)
        self._points = points
        self.bin_hz = float(_lib.dsp_envelope_stream_bin_hz(self._state))
        self.span = int(_lib.dsp_envelope_stream_span(self._state))

    def reset(self) -> None:
        """Forget the past, as after a gap."""
        _lib.dsp_envelope_stream_reset(self._state)

    @property
    def missing(self) -> int:
        """Values that the record still misses; 0 when it is full."""
        return int(_lib.dsp_envelope_stream_missing(self._state))

    def feed(self, x: Int16Array) -> int:
        """Take samples until the record is full; how many were taken."""
        used = _ffi.new("int32_t *")
        pointer = _i16("x", x)
        status = _lib.dsp_envelope_stream_feed(self._state, pointer, len(x), used)
        _check("envelope_stream", status)
        return int(used[0])

    def spectrum(self, scale: float, bins: int | None = None) -> Float32Array:
        """The full record's spectrum, (m/s²)², 1..points/2 bins; begins a new record."""
        count = self._points // 2 if bins is None else bins
        _, work = _new_f32(self._points)
        amp, pointer = _new_f32(max(count, 0))
        status = _lib.dsp_envelope_stream_spectrum(
            self._state, self._plan, scale, count, work, pointer
        )
        _check("envelope_stream", status)
        return amp

    def spectra(self, x: Int16Array, scale: float, bins: int | None = None) -> list[Float32Array]:
        """Feed all of x and return the spectrum of every record that it fills."""
        found = []
        at = 0
        while at < len(x):
            at += self.feed(x[at:])
            if not self.missing:
                found.append(self.spectrum(scale, bins))
        return found


# --- choice of a band ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImpulsiveBand:
    """The band where a signal's spectral kurtosis is largest."""

    k_lo: int  # bins of the n-point spectrum
    k_hi: int
    kurtosis: float  # 0: noise, -1: a tone, above: impulses


class Kurtogram:
    """Spectral kurtosis over a paving of bands, gathered over blocks of n samples."""

    def __init__(self, n: int, parts_max: int = 16) -> None:
        self._n, self._parts = n, parts_max
        bands = _lib.dsp_kurtogram_bands(n, parts_max)
        self._sums = np.zeros(2 * bands, np.float32)
        self._work = _ffi.new("float[]", _lib.dsp_kurtogram_bytes(n) // 4 + 1)
        self._blocks = 0

    def add(self, x: Int16Array) -> None:
        """Gather one block of n samples."""
        if len(x) != self._n:
            raise TypeError(f"x: {self._n} samples are needed")
        y = rfft(x)
        sums = _ffi.from_buffer("float[]", self._sums, require_writable=True)
        status = _lib.dsp_kurtogram_add(
            *(_f32("y", y), self._n, self._parts),
            *(self._work, _ffi.sizeof(self._work), sums),
        )
        _check("kurtogram", status)
        self._blocks += 1

    def best(self, k_from: int = 1, k_to: int | None = None) -> ImpulsiveBand:
        """The most impulsive band within k_from..k_to."""
        band, kurtosis = _ffi.new("int32_t *"), _ffi.new("float *")
        last = self._n // 2 - 1 if k_to is None else k_to
        status = _lib.dsp_kurtogram_best(
            *(_f32("sums", self._sums), self._n, self._parts, self._blocks),
            *(k_from, last, band, kurtosis),
        )
        _check("kurtogram", status)
        k_lo, k_hi = _ffi.new("int32_t *"), _ffi.new("int32_t *")
        _check("kurtogram", _lib.dsp_kurtogram_band(self._n, self._parts, band[0], k_lo, k_hi))
        return ImpulsiveBand(k_lo[0], k_hi[0], float(kurtosis[0]))


# --- zoom, single frequencies, slow shafts -------------------------------------------------------


class Zoom:
    """Amplitude spectrum of a band with fine bins, from seconds of signal.

    Attributes:
        first_hz, bin_hz, bins: where the spectrum's bins lie.
    """

    def __init__(self, rate_hz: float, f_lo_hz: float, f_hi_hz: float, *, points: int) -> None:
        setup = _ffi.new("dsp_zoom_setup *", (rate_hz, f_lo_hz, f_hi_hz, points))
        memory_bytes = _lib.dsp_zoom_bytes(setup)
        self._memory = _ffi.new("float[]", memory_bytes // 4 + 1)
        state = _ffi.new("dsp_zoom **")
        _check("zoom", _lib.dsp_zoom_init(setup, self._memory, memory_bytes, state))
        self._state, self._points = state[0], points
        self._plan, self._plan_memory = _plan(points)
        self.first_hz = float(_lib.dsp_zoom_first_hz(self._state))
        self.bin_hz = float(_lib.dsp_zoom_bin_hz(self._state))
        self.bins = int(_lib.dsp_zoom_bins(self._state))

    def reset(self) -> None:
        """Forget the past, as after a gap."""
        _lib.dsp_zoom_reset(self._state)

    @property
    def missing(self) -> int:
        """Values that the record still misses; 0 when it is full."""
        return int(_lib.dsp_zoom_missing(self._state))

    def feed(self, x: Int16Array) -> int:
        """Take samples until the record is full; how many were taken."""
        used = _ffi.new("int32_t *")
        _check("zoom", _lib.dsp_zoom_feed(self._state, _i16("x", x), len(x), used))
        return int(used[0])

    def spectrum(self, scale: float) -> Float32Array:
        """The full record's amplitudes, m/s²; begins a new record."""
        _, work = _new_f32(2 * self._points)
        amp, pointer = _new_f32(self.bins)
        _check("zoom", _lib.dsp_zoom_spectrum(self._state, self._plan, scale, work, pointer))
        return amp


class Goertzel:
    """Complex amplitudes of a few frequencies over any number of samples, the mean removed."""

    def __init__(self, rate_hz: float, freq_hz: list[float]) -> None:
        self._count = len(freq_hz)
        self._bins = _ffi.new("dsp_goertzel_bin[]", max(self._count, 1))
        self._state = _ffi.new("dsp_goertzel *")
        status = _lib.dsp_goertzel_init(rate_hz, freq_hz, self._count, self._bins, self._state)
        _check("goertzel", status)

    def feed(self, x: Int16Array) -> None:
        """Take samples."""
        _check("goertzel", _lib.dsp_goertzel_feed(self._state, self._bins, _i16("x", x), len(x)))

    def read(self, scale: float) -> npt.NDArray[np.complex64]:
        """Peak value and phase (of a cosine, at the first sample), m/s²; begins a new record."""
        out, pointer = _new_f32(2 * self._count)
        _check("goertzel", _lib.dsp_goertzel_read(self._state, self._bins, scale, pointer))
        return out.view(np.complex64)


class HalfBand:
    """Streaming decimation by 2**stages: any cutting into blocks gives the same outputs."""

    def __init__(self, stages: int) -> None:
        memory_bytes = _lib.dsp_halfband_bytes(stages)
        self._memory = _ffi.new("int32_t[]", memory_bytes // 4 + 1)
        state = _ffi.new("dsp_halfband **")
        _check("halfband", _lib.dsp_halfband_init(stages, self._memory, memory_bytes, state))
        self._state = state[0]

    def reset(self) -> None:
        """Forget the past, as after a gap."""
        _lib.dsp_halfband_reset(self._state)

    def feed(self, x: Int16Array) -> Int32Array:
        """Outputs that `x` completes, in LSB / 2**DECIMATE_FRACTION_BITS."""
        pointer = _i16("x", x)
        out = np.empty(_lib.dsp_halfband_count(self._state, len(x)), np.int32)
        out_pointer = _ffi.from_buffer("int32_t[]", out, require_writable=True)
        made = _ffi.new("int32_t *")
        status = _lib.dsp_halfband_feed(self._state, pointer, len(x), len(out), out_pointer, made)
        _check("halfband", status)
        return out


# --- air -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GasTuning:
    """What the gas index may be tuned with (dsp_gas_tuning in dsp.h); defaults for VOC."""

    index_offset: float = 100.0
    learning_offset_h: float = 12.0
    learning_gain_h: float = 12.0
    gating_max_min: float = 180.0
    std_initial: float = 50.0
    gain: float = 230.0


class GasIndex:
    """Gas index 1..500 from an SGP4x sensor's raw ticks; gas is "voc" or "nox"."""

    def __init__(
        self, gas: str = "voc", interval_s: float = 1.0, tuning: GasTuning | None = None
    ) -> None:
        if gas not in ("voc", "nox"):
            raise ValueError(f"gas: {gas!r} is neither voc nor nox")
        wanted = _ffi.NULL
        if tuning is not None:
            wanted = _ffi.new(
                "dsp_gas_tuning *",
                [getattr(tuning, name) for name in GasTuning.__dataclass_fields__],
            )
        self._state = _ffi.new("dsp_gas *")
        kind = _lib.DSP_GAS_NOX if gas == "nox" else _lib.DSP_GAS_VOC
        _check("gas", _lib.dsp_gas_init(kind, interval_s, wanted, self._state))
        self._index = _ffi.new("int32_t *")

    def process(self, sraw: int) -> int:
        """Index after one more sample; 0 during the first 45 s."""
        _check("gas", _lib.dsp_gas_process(self._state, sraw, self._index))
        return int(self._index[0])
