// Resonode DSP core: vibration features and spectra from raw accelerometer samples.
//
// This header is the manual. The same C99 files are built as the Python extension
// `resonode._dsp` (build_cffi.py) and as a MicroPython native module (natmod/).
//
// What it refuses: it does no I/O, allocates nothing, keeps no state of its own (no globals, no
// statics, 0 bytes of .data and .bss), uses no double, no libm and no 64-bit division.
//
// Conventions, for every function:
//   - Memory is the caller's. Sizes are in elements unless a name ends in `_bytes`.
//   - Inputs are const, outputs come last. On an error no output is touched; `work` and `scratch`
//     are not outputs and may hold anything afterwards.
//   - Buffers may not overlap, except where a function says so. Each needs the natural alignment of
//     its element type; plan memory needs that of float.
//   - `scale` is m/s² per LSB of the sensor, finite and > 0.
//   - Samples go in as the sensor gives them: integers, with gravity. The integer mean is taken off
//     before anything becomes a float, so 1 g on the axis costs no digits; what is left of the mean
//     (at most half an LSB) is removed exactly, in the moments or in bin 0.
//
// Half-complex order, used for every n-point spectrum y of a real signal (no scaling):
//   X[k] = sum_t x[t] exp(-2 pi i k t / n)
//   y[0] = X[0]   y[n/2] = X[n/2]   y[k] = Re X[k]   y[n-k] = Im X[k]   for 0 < k < n/2
// Bin k lies at k * rate_hz / n.
//
// The Hann window is the periodic one, w[t] = 1/2 - 1/2 cos(2 pi t / n), and is applied in the
// frequency domain, where it is exact and needs no table:
//   Xw[k] = 1/2 X[k] - 1/4 (X[k-1] + X[k+1])          sum(w) = n/2, ENBW = 3/2 bins
#ifndef RESONODE_DSP_H
#define RESONODE_DSP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */

// ------------------------------------------------------------------------------------------------
// Limits and errors
// ------------------------------------------------------------------------------------------------

enum {
    DSP_VERSION = 1,
    DSP_N_MIN = 256,  // shortest and longest real FFT; every power of two between
    DSP_N_MAX = 16384,
    DSP_FEATURES_N_MAX = 65535,  // longest block for dsp_features
    DSP_DECIMATE_FACTOR = 8,
    DSP_DECIMATE_TAPS = 111,         // group delay (TAPS - 1) / 2 input samples
    DSP_DECIMATE_FRACTION_BITS = 8,  // decimated values are in LSB / 256
    DSP_DECIMATE_SETTLE = 14,        // outputs after a reset that still see the start
    DSP_FIFO_WORD_BYTES = 7
};

typedef enum {
    DSP_OK = 0,
    DSP_ERR_SIZE = -1,   // a length that is not allowed
    DSP_ERR_PLAN = -2,   // not an initialised plan, or memory too small for the one it claims to be
    DSP_ERR_BAND = -3,   // band or bin count outside the spectrum
    DSP_ERR_VALUE = -4,  // a number that is not finite or not in its range
    DSP_ERR_SPACE = -5,  // output or plan memory too small
    DSP_ERR_ALIGN = -6   // plan memory not aligned for float
} dsp_status;

// Text for a status, never NULL.
const char *dsp_status_text(dsp_status status);

// ------------------------------------------------------------------------------------------------
// Plan and real FFT
// ------------------------------------------------------------------------------------------------

// Twiddles of one size, in the caller's memory. Holds no pointers: it may be copied or stored, and
// is read-only after dsp_plan_init, so any number of transforms may share it.
typedef struct dsp_plan dsp_plan;

// Bytes of plan memory for an n-point transform; 0 when n is not a power of two in
// DSP_N_MIN..DSP_N_MAX. (1024: 2256 bytes; 4096: 9264 bytes; 16384: 37 KB.)
size_t dsp_plan_bytes(int32_t n);

// Fills `memory` (at least dsp_plan_bytes(n) bytes) and points *plan at it.
// SIZE, ALIGN, SPACE
dsp_status dsp_plan_init(int32_t n, void *memory, size_t memory_bytes, const dsp_plan **plan);

// Points *plan at memory that dsp_plan_init filled earlier, after checking that it did.
// ALIGN, PLAN
dsp_status dsp_plan_open(const void *memory, size_t memory_bytes, const dsp_plan **plan);

// Number of samples of a plan, 0 if it is none.
int32_t dsp_plan_n(const dsp_plan *plan);

// Real FFT of n floats.
//   x  n values
//   y  half-complex spectrum, n values, unit of x
// Relative L2 error about 1.1e-7 at n = 1024 (measured against float64).
// PLAN
dsp_status dsp_rfft_f32(const dsp_plan *plan, const float x[], float y[]);

// Real FFT of n raw samples, mean removed: y[0] = 0.
//   x  n samples, LSB; read as they are, no float copy is made
//   y  half-complex spectrum, n values, LSB
// PLAN
dsp_status dsp_rfft_i16(const dsp_plan *plan, const int16_t x[], float y[]);

// The same for 32-bit records (dsp_decimate). |x[t] - mean| >= 2^24 loses low bits.
dsp_status dsp_rfft_i32(const dsp_plan *plan, const int32_t x[], float y[]);

// ------------------------------------------------------------------------------------------------
// Features in the time domain
// ------------------------------------------------------------------------------------------------

typedef struct {
    float mean;          // m/s², gravity included
    float rms;           // m/s², of the signal without its mean
    float peak;          // m/s², largest |x - mean|
    float crest;         // peak / rms
    float kurtosis;      // m4 / m2², Pearson: a Gaussian has 3
    float peak_to_peak;  // m/s²
    float skewness;      // m3 / m2^1.5
    float reserved;      // 0
} dsp_feature_set;

// Moments are population moments (divided by n). A constant signal has rms, peak, crest, kurtosis
// and skewness 0. Sums are exact integers; only the last few operations are float: rms, peak and
// crest are within 1e-6 of float64, kurtosis within 3e-6, whatever the offset.
//   x  n samples, LSB
//   n  2..DSP_FEATURES_N_MAX
// Source: ISO 20816-1 (rms, peak); Randall, Vibration-based Condition Monitoring, 5.2 (kurtosis).
// SIZE, VALUE
dsp_status dsp_features(const int16_t x[], int32_t n, float scale, dsp_feature_set *out);

// ------------------------------------------------------------------------------------------------
// Amplitude spectrum
// ------------------------------------------------------------------------------------------------

// Single-sided amplitude spectrum of one Hann-windowed block without its mean.
//   x     n samples, LSB
//   work  n floats
//   amp   peak amplitude, m/s², n/2 + 1 bins; may be `work` itself
// amp[k] = c |Xw[k]| / sum(w), c = 1 at DC and Nyquist, 2 elsewhere: a sine on bin k reads its peak
// value; between bins it reads up to 1.4 dB low. Error <= 1e-5 of the largest bin.
// Source: Heinzel, Rüdiger & Schilling (2002), section 9.
// PLAN, VALUE
dsp_status dsp_spectrum(const dsp_plan *plan, const int16_t x[], float scale, float work[],
                        float amp[]);

// Averaging by power, over windows of one kind: acc[i] += amp[i]², then
// amp[i] = sqrt(acc[i] / count), which also clears acc for the next average.
//   count  windows added, >= 1
// SIZE (n < 1), VALUE (count < 1)
dsp_status dsp_power_add(const float amp[], int32_t n, float acc[]);
dsp_status dsp_power_mean(int32_t n, int32_t count, float acc[], float amp[]);

// ------------------------------------------------------------------------------------------------
// Squared envelope spectrum
// ------------------------------------------------------------------------------------------------

// Spectrum of the squared envelope of the band k_lo..k_hi of a block, from its spectrum.
//   plan_m   plan of m points, m >= 2 (k_hi - k_lo + 1)
//   y        half-complex spectrum of the block, n values, LSB (dsp_rfft_i16)
//   n        its length, a size a plan can have
//   k_lo, k_hi  band in bins, both inside it, 1 <= k_lo <= k_hi <= n/2 - 1
//   bins     bins wanted, 1..k_hi - k_lo + 1; bin width is that of y
//   scratch  2 m floats
//   amp      amplitude of the squared envelope, (m/s²)², `bins` values
// With X the spectrum of the mean-removed block, it equals the full-length computation
//   H[k] = 2 X[k] on k_lo..k_hi, else 0;  e = |ifft(H)|²;  e -= mean(e)
//   amp[k] = 2 |rfft(w e)[k]| / sum(w)        (the factor is 2 at every bin, 0 included)
// within 1e-5 of its largest bin, but works on m points: e has no bins above k_hi - k_lo, so m
// samples of it per block hold all of it. The inverse transform is two m-point real FFTs of the
// band's real and imaginary parts, and runs backwards in time, which |.|² and the symmetric window
// do not see.
// Source: Randall & Antoni, MSSP 25 (2011) 485, section 4.3 (squared envelope of the band-passed
// analytic signal).
// PLAN, SIZE, BAND, VALUE
dsp_status dsp_envelope(const dsp_plan *plan_m, const float y[], int32_t n, int32_t k_lo,
                        int32_t k_hi, float scale, int32_t bins, float scratch[], float amp[]);

// ------------------------------------------------------------------------------------------------
// Decimation by 8
// ------------------------------------------------------------------------------------------------

// Linear-phase FIR with integer taps and exact sums: any cutting of the stream into blocks gives
// identical outputs. At 26.667 kHz: 0..1020 Hz flat within 1e-4, everything that folds onto it
// (from rate/8 - 1020 Hz) at least 80 dB down; gain at 0 Hz is exactly 1. See decimate_taps.py.
typedef struct {
    int32_t phase;  // samples since the last output; -1: nothing seen yet
    int16_t history[DSP_DECIMATE_TAPS - 1];
} dsp_decimator;

// Forgets the past. The next sample is taken to have been there for ever, so that gravity is no
// step; the first DSP_DECIMATE_SETTLE outputs still differ from those of an older stream.
void dsp_decimate_reset(dsp_decimator *state);

// Number of outputs the next n samples will give.
int32_t dsp_decimate_count(const dsp_decimator *state, int32_t n);

// An output follows every 8th sample.
//   x         n samples, LSB, n >= 0
//   out       LSB / 2^DSP_DECIMATE_FRACTION_BITS, rounded half up; room for `room` values
//   produced  values written
// SIZE (n < 0), VALUE (state was never reset), SPACE (nothing is consumed)
dsp_status dsp_decimate(dsp_decimator *state, const int16_t x[], int32_t n, int32_t room,
                        int32_t out[], int32_t *produced);

// ------------------------------------------------------------------------------------------------
// Velocity
// ------------------------------------------------------------------------------------------------

// Vibration severity: RMS velocity in a band, from one record of acceleration, integrated in the
// frequency domain.
//   rec      n decimated samples (n of the plan), LSB / 2^DSP_DECIMATE_FRACTION_BITS
//   scale    m/s² per LSB (not per fraction of it)
//   rate_hz  rate of rec
//   f_lo_hz, f_hi_hz  0 < f_lo <= f_hi <= rate_hz / 2; a bin on a limit (to 1e-6) counts
//   work     n floats
//   mm_s     mm/s
// With A_k the single-sided Hann amplitude of dsp_spectrum, f_k = k rate_hz / n:
//   v = 1000 sqrt( sum_{f_lo <= f_k <= f_hi} (A_k / (2 pi f_k))² / 2 / 1.5 )
// The 1.5 is the window's noise bandwidth in bins, so that a tone counts once and noise counts by
// its density. Resolution is the limit, not rate: a tone at f reads high by about
// 50 (rate_hz / n / f)² %, so 0.1 % at 10 Hz needs 2.4 s of record; a tone within two bins of a
// limit loses the part of its lobe that lies outside.
// Source: ISO 20816-1:2016 (severity, 10-1000 Hz); ENBW: Heinzel et al. (2002), section 8.
// PLAN, VALUE, BAND (no bin lies in the band)
dsp_status dsp_velocity(const dsp_plan *plan, const int32_t rec[], float scale, float rate_hz,
                        float f_lo_hz, float f_hi_hz, float work[], float *mm_s);

// ------------------------------------------------------------------------------------------------
// FIFO images of ST accelerometers with tagged words (IIS3DWB, LSM6DSx, ISM330x)
// ------------------------------------------------------------------------------------------------

// Each word is a tag byte and three little-endian int16. Tag byte: bits 7..3 what it is (0x02
// acceleration, 0x03 temperature, 0x04 time stamp), bits 2..1 a counter that steps once per batch
// time slot (so words of one slot share it), bit 0 makes the number of ones even.
// Source: ST datasheet IIS3DWB, FIFO_DATA_OUT_TAG (78h); AN5444, section 8.
typedef struct {
    int32_t samples;           // acceleration words, = values written to each axis
    int32_t timestamps;        // time stamp words
    int32_t timestamp;         // the last of them, sensor ticks: the bits of a uint32
    int32_t before_timestamp;  // acceleration words of this image before it
    int32_t temperatures;      // temperature words
    int32_t temperature;       // the last of them, LSB
    int32_t bad;               // words of bad parity or unknown tag: not data
    int32_t hole;              // 1: the counter skipped, samples are missing inside this image
} dsp_fifo_info;

// Splits an image.
//   image  words * 7 bytes
//   room   values that x, y and z have room for
//   x y z  acceleration, LSB
// SIZE (words < 0), SPACE (more acceleration words than room; nothing is written)
dsp_status dsp_fifo_split(const uint8_t image[], int32_t words, int32_t room, int16_t x[],
                          int16_t y[], int16_t z[], dsp_fifo_info *info);

// ------------------------------------------------------------------------------------------------
// Packing for the wire
// ------------------------------------------------------------------------------------------------

// IEEE 754 half floats (little-endian where the target is), rounded to nearest even. What does not
// fit is clamped to +-65504, never infinity; NaN stays NaN.
//   dst  n half floats; may be src itself
// SIZE (n < 0)
dsp_status dsp_pack_f16(const float src[], int32_t n, uint16_t dst[]);

// Levels of one byte. Code 0: below the floor (or not positive). Code c >= 1:
// floor_db + (c - 1) step_db, in dB re 1 unit (20 log10). The floor is set so that the largest
// value has code 255, and is 0 when no value is positive. Error: half a step.
//   step_db  > 0
// SIZE (n < 0), VALUE
dsp_status dsp_pack_db8(const float src[], int32_t n, float step_db, uint8_t dst[],
                        float *floor_db);

// ------------------------------------------------------------------------------------------------
// Arithmetic without libm
// ------------------------------------------------------------------------------------------------

// Sine and cosine of phase / 2^32 turns. Absolute error <= 1.2e-7 (measured 6e-8).
void dsp_sincos(uint32_t phase, float *sine, float *cosine);

// Base-2 logarithm of a finite x >= 2^-126. Error <= 1.2e-7 absolute plus one rounding.
float dsp_log2(float x);

/* cffi: end */

#ifdef __cplusplus
}
#endif

#endif
