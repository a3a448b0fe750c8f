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
//   - Buffers that are written may not overlap any other, except where a function says so. Each
//     needs the natural alignment of its element type; memory of plans and states that of float.
//   - Every function that takes buffers refuses them if they are NULL (NULL), not aligned (ALIGN) or
//     overlap (OVERLAP); this is not repeated below. A NULL plan is PLAN, NULL memory is SPACE to
//     the *_init functions and PLAN to the *_open ones, a buffer of no elements is not looked at.
//     Functions without a status do nothing, or return 0, when a pointer is NULL.
//   - A NaN or an infinity among the values of a float buffer is no error. Sums with it (every bin of
//     a transform, the RMS of a band) are NaN or infinite, other results are as without it, and a
//     NaN is no peak. Denormals are numbers like others, unless the caller has told the FPU to flush
//     them. Among the numbers given one by one (scale, rate_hz, ..) both are VALUE.
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
    DSP_ERR_ALIGN = -6,  // a buffer is not aligned for its elements
    DSP_ERR_NULL = -7,   // a buffer is NULL
    DSP_ERR_OVERLAP = -8  // a buffer that is written overlaps another
} dsp_status;

// Text for a status, never NULL.
const char *dsp_status_text(dsp_status status);

// ------------------------------------------------------------------------------------------------
// Plan and real FFT
// ------------------------------------------------------------------------------------------------

// What a transform of one size needs, in the caller's memory. Holds no pointers: it may be copied
// or stored, and is read-only after dsp_plan_init, so any number of transforms may share it.
// Twiddles are constants of the program up to 8192 points, unless the core was built with
// DSP_TABLES_IN_CALLER_MEMORY (config.h), as the native modules are: then they lie in the plan. The
// results are the same, bit for bit.
typedef struct dsp_plan dsp_plan;

// Bytes of plan memory for an n-point transform; 0 when n is not a power of two in
// DSP_N_MIN..DSP_N_MAX. 16 without twiddles; with them 2 n - 16, but 32 KB - 16 for 16384 always.
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

// The same of x[t] window[t], which costs two instructions per sample.
//   window  n values, for example from the caller's table
// PLAN
dsp_status dsp_rfft_f32_window(const dsp_plan *plan, const float x[], const float window[],
                               float y[]);

// The same for each row of a matrix.
//   x, y  rows * n values, row after row
// PLAN, SIZE (rows < 0)
dsp_status dsp_rfft_f32_rows(const dsp_plan *plan, const float x[], int32_t rows, float y[]);

// Inverse of dsp_rfft_f32: x[t] = 1/n sum_k X[k] exp(2 pi i k t / n).
//   y     half-complex spectrum, n values
//   work  n floats
//   x     n values, unit of y
// Relative L2 error of there and back about 1.7e-7 at n = 1024.
// Source: Bracewell, The Hartley Transform (1986), chapter 3.
// PLAN
dsp_status dsp_irfft_f32(const dsp_plan *plan, const float y[], float work[], float x[]);

// Real FFT of n raw samples, mean removed: y[0] = 0.
//   x  n samples, LSB; read as they are, no float copy is made
//   y  half-complex spectrum, n values, LSB
// PLAN
dsp_status dsp_rfft_i16(const dsp_plan *plan, const int16_t x[], float y[]);

// The same for 32-bit records (dsp_decimate), in their unit. |x[t] - mean| >= 2^24 loses low bits,
// >= 2^31 wraps.
// PLAN
dsp_status dsp_rfft_i32(const dsp_plan *plan, const int32_t x[], float y[]);

// ------------------------------------------------------------------------------------------------
// Real FFT in 16 bits, for chips without an FPU
// ------------------------------------------------------------------------------------------------

// Real FFT in block floating point: all values of the spectrum share one exponent, which is chosen
// pass by pass so that nothing can overflow and as few low bits as possible are lost. Integer
// arithmetic in 32 bits, rounded once a pass: the same bits on every target.
//   X = y 2^exponent, in LSB, with X as at the head of this header (the mean is not removed)
//   n         256..8192; the tables are constants of the program (config.h), no plan is needed
//   x         n samples, LSB, aligned to 4 bytes
//   y         n values in this order, not the half-complex one: X[0], X[n/2], Re X[1], Im X[1],
//             Re X[2], Im X[2], .. Re X[n/2-1], Im X[n/2-1]; aligned to 4 bytes, not x itself
//   exponent  -16..16; 0 for a record of zeros
// Signal to noise of rounding, at n = 1024 and any level: noise 70 dB, any sine 61 dB or more; see
// tests/dsp/test_rfft_q15.py.
// Source: Oppenheim & Weinstein, Proc. IEEE 60 (1972) 957, section III (block floating point).
// SIZE, ALIGN
dsp_status dsp_rfft_q15(int32_t n, const int16_t x[], int16_t y[], int32_t *exponent);

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
    float saturated;     // 1 if a sample is -32768 or 32767, where the sensor's range ends, else 0
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
// (from rate/8 - 1020 Hz) at least 80 dB down; gain at 0 Hz is exactly 1.
// Source: Parks & McClellan (1972), designed by decimate_taps.py.
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
// Windows
// ------------------------------------------------------------------------------------------------

// Periodic windows, sums of cosines, applied to the spectrum (exact, no table):
//   w[t] = a0 - a1 cos(2 pi t/n) + a2 cos(4 pi t/n) - ...
//   Xw[k] = a0 X[k] - a1/2 (X[k-1] + X[k+1]) + ...
// Coefficients, and what they are good for:
//   HANN             0.5, 0.5; ENBW 1.500 bins, between bins up to 1.42 dB low: noise, lines
//   HAMMING          0.54, 0.46; 1.363, 1.75 dB: near lines of like size
//   BLACKMAN_HARRIS  4 terms, side lobes -92 dB; 2.004, 0.83 dB: small lines beside large ones
//   FLAT_TOP         5 terms; 3.770, 0.01 dB: amplitudes between bins
// Source: Harris (1978) 51; D'Antona & Ferrero (2006), flat-top; Heinzel et al. (2002), appendix C.
enum {
    DSP_WINDOW_HANN = 0,
    DSP_WINDOW_HAMMING = 1,
    DSP_WINDOW_BLACKMAN_HARRIS = 2,
    DSP_WINDOW_FLAT_TOP = 3,
    DSP_WINDOWS = 4
};

// Coherent gain sum(w)/n = a0, and equivalent noise bandwidth n sum(w²) / sum(w)², in bins.
// VALUE (no such window)
dsp_status dsp_window_info(int32_t window, float *coherent_gain, float *enbw_bins);

// dsp_spectrum with any of the windows above. amp may not be work. Error <= 1e-5 of the largest
// bin.
// PLAN, VALUE
dsp_status dsp_spectrum_window(const dsp_plan *plan, const int16_t x[], float scale, int32_t window,
                               float work[], float amp[]);

// Kaiser's window as a table, periodic: w[t] = I0(beta sqrt(1 - (2t/n - 1)²)) / I0(beta).
//   beta  0 (rectangle) .. 40; side lobes fall with it: 8.6 gives -90 dB
//   w     n values, error <= 3e-6; coherent_gain and enbw_bins as in dsp_window_info
// Source: Kaiser & Schafer (1980); I0 by its power series.
// SIZE (n < 2), VALUE
dsp_status dsp_kaiser(int32_t n, float beta, float w[], float *coherent_gain, float *enbw_bins);

// dsp_spectrum with a window from a table.
//   w     n values; coherent_gain  their mean
//   work  2 n floats; amp may not lie in it
// PLAN, VALUE
dsp_status dsp_spectrum_table(const dsp_plan *plan, const int16_t x[], float scale, const float w[],
                              float coherent_gain, float work[], float amp[]);

// ------------------------------------------------------------------------------------------------
// Power spectral density (Welch)
// ------------------------------------------------------------------------------------------------

// Streaming: samples may come in any pieces; whenever n are there, one segment is added and the
// last `overlap` of them kept. Memory does not grow with time. The result is scipy.signal.welch's
// (constant detrend, density) within 1e-5 of the largest bin.
// Source: Welch (1967); Heinzel et al. (2002), section 9 (ENBW).
typedef struct dsp_welch dsp_welch;

// Bytes of memory for segments of n (a transform size), 0 for other n: 4 n + 28.
size_t dsp_welch_bytes(int32_t n);

//   overlap  0..n-1 samples; n/2 for the usual 50 %
// SIZE, VALUE (window), ALIGN, SPACE
dsp_status dsp_welch_init(int32_t n, int32_t overlap, int32_t window, void *memory,
                          size_t memory_bytes, dsp_welch **state);

// Points *state at memory that dsp_welch_init filled, after checking that it did.
// ALIGN, PLAN
dsp_status dsp_welch_open(void *memory, size_t memory_bytes, dsp_welch **state);

// Forgets all samples and segments.
void dsp_welch_reset(dsp_welch *state);

//   plan  of n points;  work  n floats
// PLAN, SIZE (count < 0)
dsp_status dsp_welch_feed(dsp_welch *state, const dsp_plan *plan, const int16_t x[], int32_t count,
                          float work[]);

// Segments averaged so far, and the n of each.
int32_t dsp_welch_segments(const dsp_welch *state);
int32_t dsp_welch_n(const dsp_welch *state);

//   psd  n/2 + 1 bins, (m/s²)²/Hz, one-sided; the state stays as it is
// SIZE (no segment yet), VALUE
dsp_status dsp_welch_psd(const dsp_welch *state, float scale, float rate_hz, float psd[]);

// ------------------------------------------------------------------------------------------------
// Lines of a spectrum
// ------------------------------------------------------------------------------------------------

enum {
    DSP_PEAKS_MAX = 64,
    DSP_HARMONICS_MAX = 32,
    DSP_SCORE_BINS_MIN = 32  // shortest spectrum with a local background
};

typedef struct {
    float freq_hz;
    float amp;  // unit of the spectrum
} dsp_line;

// The largest local maxima, largest bin first, interpolated between bins.
//   amp     amplitudes, `bins` values, none negative
//   least   a bin must be above it
//   room    lines wanted at most, 1..DSP_PEAKS_MAX
//   out     `found` lines are written
// Bias for a lone sine 8 bins or more from both ends: Hann 0.0005 bins and 0.005 % (from the ratio
// of two bins, Grandke (1983)); others from a parabola through logarithms: Blackman-Harris 0.005
// bins and 0.4 %, Hamming 0.02 bins and 5.2 %, flat-top 0.15 bins and 0.13 %. Averaging over
// windows in power keeps them; noise adds its own.
// SIZE, VALUE
dsp_status dsp_peaks(const float amp[], int32_t bins, float bin_hz, int32_t window, float least,
                     int32_t room, dsp_line out[], int32_t *found);

// The lines at base + i step, i = first..first + count - 1. Harmonics of f: base 0, step f, first 1.
// Sidebands of a carrier: base the carrier, step the modulation, first -3, count 7.
//   tolerance  0..0.1: each is the largest bin within 1 + tolerance * (its bin) of the nearest one
//   out        `count` lines; 0 Hz and 0 where the line lies outside the spectrum
// SIZE, VALUE
dsp_status dsp_lines(const float amp[], int32_t bins, float bin_hz, int32_t window, float base_hz,
                     float step_hz, int32_t first, int32_t count, float tolerance, dsp_line out[]);

// How far a line stands above its surroundings. The background of a line is the median of the 40
// bins on each side of those searched, without the 2 nearest; at a spectrum's ends there are fewer.
// Judge a bearing by `ratio` first. Only where the line itself stands out does `family_ratio` tell
// how rich in harmonics the fault is; on its own it says little, because harmonics of one order fall
// next to those of another: with a damaged inner race, the third line of BPFO's family finds the
// second harmonic of BPFI.
typedef struct {
    float freq_hz;         // of the first line, interpolated (Hann)
    float amp;             // of the first line, interpolated
    float background;      // about the first line
    float ratio;           // its largest bin / background; noise gives 1.5 to 4
    float family_ratio;    // sum over the harmonics / sum of their backgrounds
    float sideband_ratio;  // the same for the sidebands at +- side_hz of each harmonic
    int32_t harmonics;     // of them inside the spectrum
} dsp_score;

//   f_hz     line asked for: order * shaft_hz
//   side_hz  spacing of sidebands (FTF for a rolling element, the shaft for an inner race); 0: none
//   harmonics  1..DSP_HARMONICS_MAX, those inside the spectrum count
//   tolerance  as in dsp_lines; 0.01 covers the slip of a bearing
// SIZE, VALUE, BAND (f_hz outside the spectrum)
dsp_status dsp_line_score(const float amp[], int32_t bins, float bin_hz, float f_hz, float side_hz,
                          int32_t harmonics, float tolerance, dsp_score *out);

// ------------------------------------------------------------------------------------------------
// Bearings and severity
// ------------------------------------------------------------------------------------------------

// Orders: multiples of the shaft's frequency (outer ring fixed).
typedef struct {
    float bpfo;  // outer race: elements * ftf
    float bpfi;  // inner race: elements - bpfo
    float bsf2;  // an element's defect, which strikes both races: twice its spin
    float ftf;   // cage
} dsp_bearing;

// From geometry; diameters in one unit, any. With g = d/D cos(contact):
//   ftf = (1 - g)/2   bpfo = n ftf   bpfi = n (1 + g)/2   bsf2 = D/d (1 - g²)
// Source: Randall & Antoni, MSSP 25 (2011) 485, section 2.
// SIZE (elements not in 3..1000), VALUE
dsp_status dsp_bearing_orders(int32_t elements, float element_diameter, float pitch_diameter,
                              float contact_deg, dsp_bearing *out);

// Zone of a severity: 0 (A) up to limits[0], 1 (B) up to limits[1], 2 (C) up to limits[2], else 3
// (D).
//   limits_mm_s  rising; they depend on the machine and belong in its configuration, with their
//   source
// Source of the scheme: ISO 20816-1:2016, 6.2 (evaluation zones).
// VALUE
dsp_status dsp_severity_zone(float velocity_mm_s, const float limits_mm_s[3], int32_t *zone);

// ------------------------------------------------------------------------------------------------
// Bands, shape factors, displacement
// ------------------------------------------------------------------------------------------------

// RMS of bands of an amplitude spectrum, each sqrt(sum(amp²) / 2 / ENBW) over its bins.
//   amp        all n/2 + 1 bins (DC and Nyquist count as dsp_spectrum scales them)
//   enbw_bins  of the window used: 1.5 for dsp_spectrum
//   limits_hz  2 * count values: lower and upper limit of each band, which a bin on it (to 1e-6)
//              belongs to
//   rms        `count` values, unit of amp. Error <= 1e-5 of the largest.
// Source: Heinzel et al. (2002), section 8 (ENBW); Parseval.
// SIZE, VALUE, BAND (no bin lies in a band)
dsp_status dsp_band_rms(const float amp[], int32_t bins, float bin_hz, float enbw_bins,
                        const float limits_hz[], int32_t count, float rms[]);

typedef struct {
    float mean_magnitude;  // mean |d|, d = x - mean, m/s²
    float shape;           // rms / mean |d|
    float impulse;         // peak / mean |d|
    float clearance;       // peak / (mean sqrt|d|)²
} dsp_shape_set;

// All 0 for a constant. n, scale as in dsp_features. Each within 1e-5 of float64.
// Source: Lei, Intelligent Fault Diagnosis (2016), table 2.1.
// SIZE, VALUE
dsp_status dsp_shape_factors(const int16_t x[], int32_t n, float scale, dsp_shape_set *out);

// RMS displacement in a band, um: dsp_velocity integrated once more, (2 pi f)² for 2 pi f;
// arguments, definition and limits are its own. A tone at f reads high by about
// 150 (rate_hz / n / f)² %.
// PLAN, VALUE, BAND
dsp_status dsp_displacement(const dsp_plan *plan, const int32_t rec[], float scale, float rate_hz,
                            float f_lo_hz, float f_hi_hz, float work[], float *um);

// ------------------------------------------------------------------------------------------------
// Velocity and displacement as they stream
// ------------------------------------------------------------------------------------------------

// A time-domain filter on decimated samples, of constant memory (0.4 KB). From f_lo to 0.3 of the
// rate (1000 Hz at 3333 Hz) velocity is within 0.5 %; displacement from f_lo to 0.1 of the rate.
// Below, a Butterworth high-pass of order 4 with its corner at f_lo / 2 (0.2 % at f_lo, -24 dB per
// octave); above 0.4 of the rate an equiripple stop of -34 dB. Gravity is taken off with the first
// sample.
// Source: Zavalishin, The Art of VA Filter Design, ch. 4 (trapezoidal state-variable filter).
enum {
    DSP_MOTION_TAPS = 35,
    DSP_MOTION_SETTLE_PERIODS = 10  // of f_lo, that count for no figure after a start
};

// Of no concern to the caller; its memory.
typedef struct {
    int32_t waiting;  // values that count for nothing yet; -1: nothing seen
    int32_t settle;
    int32_t offset;
    int32_t at;
    int32_t count;
    int32_t part;
    float g, norm[2];
    float to_mm_s;
    float to_um;
    float held[4];
    float last_d[2];
    float sum_v, sum_d, part_v, part_d, peak_v, min_d, max_d;
    float line[70];  // 2 * DSP_MOTION_TAPS
} dsp_motion;

typedef struct {
    int32_t count;                    // values that the figures are of
    float velocity_rms;               // mm/s
    float velocity_peak;              // mm/s
    float displacement_rms;           // um
    float displacement_peak_to_peak;  // um
} dsp_motion_set;

//   rate_hz  of the record that will come;  f_lo_hz  1e-4..0.05 of it
//   scale    m/s² per LSB (not per fraction of it)
// VALUE
dsp_status dsp_motion_init(float rate_hz, float f_lo_hz, float scale, dsp_motion *state);

//   rec  n decimated samples, LSB / 2^DSP_DECIMATE_FRACTION_BITS
//   velocity, displacement  mm/s and um, n values each, delayed by 17 and 18 samples; either may be
//   NULL
// SIZE (n < 0), VALUE (state was never initialised)
dsp_status dsp_motion_feed(dsp_motion *state, const int32_t rec[], int32_t n, float velocity[],
                           float displacement[]);

// Figures since the last reading; begins anew (the filter goes on).
// SIZE (nothing settled yet)
dsp_status dsp_motion_read(dsp_motion *state, dsp_motion_set *out);

// ------------------------------------------------------------------------------------------------
// Squared envelope as it streams
// ------------------------------------------------------------------------------------------------

// dsp_envelope for small memories: the same quantity, from a record that spans seconds. Samples go
// through one integer FIR that is heterodyne, low-pass and decimator at once; squares are low-passed
// and decimated again; `points` of them are one record. Constant memory, bins as fine as wanted:
//   bin = rate / points, rate between 2.5 and 5 f_max
// (1024 points, f_max 500 Hz: 1.2 to 2.4 Hz.) Against dsp_envelope: the band's limits are -6 dB
// points with skirts of half its width instead of cliffs; a modulated tone in the middle half of
// the band reads within 1 %; lines are flat to f_max.
// Source: Randall & Antoni (2011), section 4.3; filters: Kaiser's rules, 54 dB and 60 dB.
enum { DSP_BAND_TAPS_MAX = 2048, DSP_BAND_FACTOR_MAX = 256 };

typedef struct {
    float rate_hz;   // of the samples
    float f_lo_hz;   // band; rate_hz / 312 wide or wider, 1.5 (f_hi - f_lo) + f_max <= rate_hz
    float f_hi_hz;   // < rate_hz / 2
    float f_max_hz;  // highest line wanted; 2.5 f_max <= decimated rate, within 64 times
    int32_t points;  // of the record and its transform: a transform size
} dsp_envelope_setup;

typedef struct dsp_envelope_stream dsp_envelope_stream;

// Bytes of memory; 0 when the set-up is not allowed. (2-4 kHz of 26.667 kHz, 1024 points: 6 KB.)
size_t dsp_envelope_stream_bytes(const dsp_envelope_setup *setup);

// VALUE (set-up not allowed), ALIGN, SPACE
dsp_status dsp_envelope_stream_init(const dsp_envelope_setup *setup, void *memory,
                                    size_t memory_bytes, dsp_envelope_stream **state);

// Points *state at memory that dsp_envelope_stream_init filled, after checking that it did.
// ALIGN, PLAN
dsp_status dsp_envelope_stream_open(void *memory, size_t memory_bytes, dsp_envelope_stream **state);

// Forgets the past, as after a gap. The first sample then counts as having been there for ever, and
// what the filters need to settle is left out of the record.
void dsp_envelope_stream_reset(dsp_envelope_stream *state);

// Width of the spectrum's bins; the rate of the record is `points` times it.
float dsp_envelope_stream_bin_hz(const dsp_envelope_stream *state);

// Samples that a record is made of, with the reach of its filters. The last of them is the last
// that was taken when the record became full.
int32_t dsp_envelope_stream_span(const dsp_envelope_stream *state);

// Values that the record still misses; 0: full.
int32_t dsp_envelope_stream_missing(const dsp_envelope_stream *state);

// Takes samples until the record is full.
//   used  samples taken; fewer than n when the record became full
// SIZE (n < 0)
dsp_status dsp_envelope_stream_feed(dsp_envelope_stream *state, const int16_t x[], int32_t n,
                                    int32_t *used);

// The full record's spectrum, as dsp_envelope scales it; begins a new record.
//   plan  of `points`;  work  `points` floats;  bins  1..points/2
//   amp   (m/s²)², `bins` values; may be work
// PLAN, SIZE (the plan is of another size, or the record is not full), BAND, VALUE
dsp_status dsp_envelope_stream_spectrum(dsp_envelope_stream *state, const dsp_plan *plan,
                                        float scale, int32_t bins, float work[], float amp[]);

// ------------------------------------------------------------------------------------------------
// Choice of a band by spectral kurtosis
// ------------------------------------------------------------------------------------------------

// Bands of a paving: the spectrum in 2, 3, 4, 6, 8, 12, .. parts, up to parts_max. The kurtosis of
// a band's complex envelope c is  K = <|c|^4> / <|c|²>² - 2:  0 for noise, -1 for a tone, above 0
// for impulses; the band where it is largest shows a bearing's blows best. Sums may gather any
// number of blocks, so that one knock in one block does not decide.
// Source: Antoni, MSSP 20 (2006) 282; MSSP 21 (2007) 108 (fast kurtogram, 1/3-binary paving).

// Number of bands, 2 + 3 + 4 + 6 + 8 + .. + parts_max (8: 23, 16: 51); 0 when n is no transform size
// or parts_max not in 2..n/32.
int32_t dsp_kurtogram_bands(int32_t n, int32_t parts_max);

// Bins of a band, 0 <= band < bands.
// SIZE, BAND
dsp_status dsp_kurtogram_band(int32_t n, int32_t parts_max, int32_t band, int32_t *k_lo,
                              int32_t *k_hi);

// Bytes of work memory: a plan of n/2 points and n floats. (4096: 16 KB, 16384: 64 KB; a quarter more
// where plans hold their twiddles.)
size_t dsp_kurtogram_bytes(int32_t n);

// Adds one block. Costs two transforms of twice its bins for each band: for commissioning, not for
// every window.
//   y     half-complex spectrum of the block (dsp_rfft_i16)
//   work  aligned for float
//   sums  2 * bands values: means of |c|² and |c|^4, added to; begin with zeros
// SIZE, VALUE (n), ALIGN, SPACE
dsp_status dsp_kurtogram_add(const float y[], int32_t n, int32_t parts_max, void *work,
                             size_t work_bytes, float sums[]);

// The most impulsive band inside k_from..k_to: largest K less three standard deviations of what
// noise gives in so few bins.
//   blocks    added to sums
//   kurtosis  K of that band
// SIZE, VALUE (blocks), BAND (no band inside)
dsp_status dsp_kurtogram_best(const float sums[], int32_t n, int32_t parts_max, int32_t blocks,
                              int32_t k_from, int32_t k_to, int32_t *band, float *kurtosis);

// ------------------------------------------------------------------------------------------------
// Zoom
// ------------------------------------------------------------------------------------------------

// Amplitude spectrum of a band with fine bins from seconds of signal in constant memory: one-sided
// band filter, decimation, complex transform, Hann window. Scaled as dsp_spectrum, factor
// 2 at every bin; flat within 0.5 % over the band. (Skirts of half its width lie outside and must lie
// between 0 and half the rate, so neither DC nor Nyquist is a bin.)
//   bin = rate / factor / points, rate / factor between 2 and 4 times the band's width
// Source: Randall, Vibration-based Condition Monitoring, chapter 3 (zoom); filter: Kaiser's rules.
typedef struct {
    float rate_hz;   // of the samples
    float f_lo_hz;   // (f_hi - f_lo) / 4 above 0 or more; f_hi - f_lo at least rate_hz / 319
    float f_hi_hz;   // (f_hi - f_lo) / 4 below rate_hz / 2 or more
    int32_t points;  // a transform size
} dsp_zoom_setup;

typedef struct dsp_zoom dsp_zoom;

// Bytes of memory; 0 when the set-up is not allowed.
size_t dsp_zoom_bytes(const dsp_zoom_setup *setup);

// VALUE, ALIGN, SPACE; and for memory that dsp_zoom_init filled: ALIGN, PLAN
dsp_status dsp_zoom_init(const dsp_zoom_setup *setup, void *memory, size_t memory_bytes,
                         dsp_zoom **state);
dsp_status dsp_zoom_open(void *memory, size_t memory_bytes, dsp_zoom **state);

// As in the streaming envelope: forget; values missing; feed until full.
void dsp_zoom_reset(dsp_zoom *state);
int32_t dsp_zoom_missing(const dsp_zoom *state);
dsp_status dsp_zoom_feed(dsp_zoom *state, const int16_t x[], int32_t n, int32_t *used);

// The spectrum's bins: how many, frequency of the first, distance.
int32_t dsp_zoom_bins(const dsp_zoom *state);
float dsp_zoom_first_hz(const dsp_zoom *state);
float dsp_zoom_bin_hz(const dsp_zoom *state);

//   work  2 * points floats;  amp  m/s², dsp_zoom_bins values; may be work. Begins a new record.
// PLAN, SIZE (the plan is of another size, or the record is not full), VALUE
dsp_status dsp_zoom_spectrum(dsp_zoom *state, const dsp_plan *plan, float scale, float work[],
                             float amp[]);

// ------------------------------------------------------------------------------------------------
// A few frequencies of a long record
// ------------------------------------------------------------------------------------------------

// A bank of Goertzel filters with a rectangular window over any number of samples, the mean
// removed. Error within 2e-6 of the largest |x - mean| at any frequency.
// Source: Goertzel (1958); Reinsch in Stoer & Bulirsch, Introduction to Numerical Analysis, 2.3.
enum { DSP_GOERTZEL_SAMPLES_MAX = 1 << 24 };

// Of no concern to the caller; its memory.
typedef struct {
    uint32_t step;
    float s, d, re, im;
} dsp_goertzel_bin;

typedef struct {
    int32_t count;
    int32_t samples;
    int32_t block;
    int32_t offset;
    float sum;
} dsp_goertzel;

//   freq_hz  `count` frequencies, 0 <= f < rate_hz / 2
//   bins     `count` filters
// SIZE, VALUE
dsp_status dsp_goertzel_init(float rate_hz, const float freq_hz[], int32_t count,
                             dsp_goertzel_bin bins[], dsp_goertzel *state);

// SIZE (n < 0, or more than DSP_GOERTZEL_SAMPLES_MAX in all), VALUE (state was never initialised)
dsp_status dsp_goertzel_feed(dsp_goertzel *state, dsp_goertzel_bin bins[], const int16_t x[],
                             int32_t n);

// Begins a new record.
//   re_im  2 * count values, m/s²: 2/n sum (x[t] - mean) exp(-2 pi i f t / rate), whose magnitude
//          is the peak value of a sine and whose angle is its phase (cosine) at the first sample
// SIZE (nothing fed), VALUE
dsp_status dsp_goertzel_read(dsp_goertzel *state, dsp_goertzel_bin bins[], float scale,
                             float re_im[]);

// ------------------------------------------------------------------------------------------------
// Decimation by powers of two
// ------------------------------------------------------------------------------------------------

// A chain of half-band filters with integer taps: rate / 2^stages, for slow shafts. Flat within
// 1e-4 to 0.4 of the new rate; what folds onto that is 80 dB down. Any cutting of the stream gives
// identical outputs, each within one LSB / 2^DSP_DECIMATE_FRACTION_BITS of exact arithmetic per
// stage.
// Source: Bellanger, Daguet & Lepagnol (1974) for the chain; taps designed by halfband_taps.py.
enum { DSP_HALFBAND_STAGES_MAX = 8, DSP_HALFBAND_MARK = 0x44535048 };

typedef struct {
    int32_t mark;
    int32_t stages;
    int32_t started;
    int32_t phase;
    int32_t data[];
} dsp_halfband;

// Bytes of memory for 1..DSP_HALFBAND_STAGES_MAX stages, else 0. (3 stages: 0.8 KB.)
size_t dsp_halfband_bytes(int32_t stages);

// SIZE, ALIGN, SPACE; and for memory that dsp_halfband_init filled: ALIGN, PLAN
dsp_status dsp_halfband_init(int32_t stages, void *memory, size_t memory_bytes,
                             dsp_halfband **state);
dsp_status dsp_halfband_open(void *memory, size_t memory_bytes, dsp_halfband **state);

// Forgets the past; the next sample is taken to have been there for ever.
void dsp_halfband_reset(dsp_halfband *state);

// Number of outputs the next n samples will give.
int32_t dsp_halfband_count(const dsp_halfband *state, int32_t n);

//   out  LSB / 2^DSP_DECIMATE_FRACTION_BITS, room for `room` values;  produced  values written
// SIZE (n), SPACE (nothing is consumed)
dsp_status dsp_halfband_feed(dsp_halfband *state, const int16_t x[], int32_t n, int32_t room,
                             int32_t out[], int32_t *produced);

// ------------------------------------------------------------------------------------------------
// Air: gas index
// ------------------------------------------------------------------------------------------------

// Index 1..500 of volatile organic compounds (100: usual air) or nitrogen oxides (1: usual air)
// from the raw ticks of an SGP40 or SGP41, as Sensirion's Gas Index Algorithm 3.2 gives it, within
// 1. It is 0 during the first 45 s; ticks outside 1..64999 are taken as missing.
// Source: Sensirion, Gas Index Algorithm, datasheet and reference code (BSD-3-Clause).
enum { DSP_GAS_VOC = 0, DSP_GAS_NOX = 1 };

typedef struct {
    float index_offset;       // index of usual air, 1..250; 100 (VOC), 1 (NOx)
    float learning_offset_h;  // time constant of the mean, 1..1000; 12
    float learning_gain_h;    // time constant of the spread, 1..1000; 12
    float gating_max_min;  // longest freeze while the index is high, 0..3000; 180 (VOC), 720 (NOx)
    float std_initial;     // spread at the start, ticks, 10..5000; 50
    float gain;            // 1..1000; 230
} dsp_gas_tuning;

// Of no concern to the caller; its memory.
typedef struct {
    int32_t gas, learning, smoothing;
    float interval_s, uptime_s, sraw, index;
    float mean, base, std, model_mean, model_std;
    float learning_s, open_s, shut_min;
    float fast, slow, smooth;
    dsp_gas_tuning tuning;
} dsp_gas;

//   interval_s  time between samples, 0.1..60 (the algorithm is tested by its maker for 1 and 10)
//   tuning      NULL: the values above
// VALUE
dsp_status dsp_gas_init(int32_t gas, float interval_s, const dsp_gas_tuning *tuning,
                        dsp_gas *state);

// One sample.
// VALUE (state was never initialised)
dsp_status dsp_gas_process(dsp_gas *state, int32_t sraw, int32_t *index);

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
// FIFO images of accelerometers whose entries are x, y and z and nothing else
// ------------------------------------------------------------------------------------------------

// Splits n entries.
//   entry_bytes  6: three little-endian int16 (LIS2DW12, ADXL345, LSM6DS3);
//                9: three 24-bit words, most significant byte first (ADXL355): 20 bits of value,
//                rounded here to the upper 16 of them, half up; bit 1 says that the FIFO was empty,
//                bit 0 that the word is an x
//   top          32767, or the largest value of a chip with fewer bits, left-justified: from it on
//                values become 32767, where a range ends (dsp_features: saturated)
//   x y z        acceleration, LSB, room for n
//   good         entries written: those before the first that is not x, y, z
// SIZE (n < 0, other entry_bytes)
dsp_status dsp_xyz_split(const uint8_t image[], int32_t n, int32_t entry_bytes, int32_t top,
                         int16_t x[], int16_t y[], int16_t z[], int32_t *good);

// Samples as dsp_velocity wants them, of a sensor too slow to be decimated.
//   out  n values, LSB / 2^DSP_DECIMATE_FRACTION_BITS
// SIZE (n < 0)
dsp_status dsp_widen(const int16_t x[], int32_t n, int32_t out[]);

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

// 2^x. Relative error <= 1.5e-7. 0 below x = -126, the largest float from 128 on, NaN of NaN.
float dsp_exp2(float x);

/* cffi: end */

#ifdef __cplusplus
}
#endif

#endif
