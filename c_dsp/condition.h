// What the files of condition monitoring (band, stream, peaks, scores) share with each other.
#ifndef RESONODE_DSP_CONDITION_H
#define RESONODE_DSP_CONDITION_H

#include "internal.h"

#define DSP_PI 3.14159265358979f

// Bytes rounded up to whole floats, so that parts of one memory stay aligned.
DSP_INLINE size_t dsp_padded(size_t bytes) {
    return (bytes + 3u) & ~(size_t)3u;
}

DSP_INLINE int dsp_is_finite(float x) {
    return x >= -3.4028234e38f && x <= 3.4028234e38f;
}

// Whether memory can hold a state of `need` bytes (0: a set-up that is not allowed).
DSP_INLINE dsp_status dsp_memory_status(const void *memory, size_t held, size_t need) {
    if (need == 0) {
        return DSP_ERR_VALUE;
    }
    if (((uintptr_t)memory & (sizeof(float) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    return !memory || held < need ? DSP_ERR_SPACE : DSP_OK;
}

// Phase of a fraction of a turn, -1/2 <= turns <= 1/2, in dsp_sincos's unit; else half a turn.
DSP_INLINE uint32_t dsp_phase(float turns) {
    const int is_inside = turns >= -0.5f && turns < 0.5f;
    return is_inside ? (uint32_t)(int32_t)(turns * 4294967296.0f) : 0x80000000u;
}

// Zeroes a state in place: a large struct's initialiser would call memset and memcpy.
DSP_INLINE void dsp_clear(void *state, size_t bytes) {
    unsigned char *byte = state;
    for (size_t i = 0; i < bytes; i++) {
        byte[i] = 0;
    }
}

// ---- windows ----------------------------------------------------------------

// I0(x), 0 <= x <= 40.
float dsp_bessel_i0(float x);

// Kaiser window at u in -1..1, normalised by the reciprocal of I0(beta).
float dsp_kaiser_value(float beta, float u, float reciprocal);

// |Xw[k]|² of a cosine-sum window, 0 <= k <= n/2; Xw as in dsp_spectrum_window.
float dsp_window_power(const float y[], int32_t n, int32_t window, int32_t k);

// Sum of w² over n points, divided by n.
float dsp_window_mean_square(int32_t window);

DSP_INLINE int dsp_is_window(int32_t window) {
    return window >= 0 && window < DSP_WINDOWS;
}

// ---- complex band filter, decimating ----------------------------------------

// out[m] = sum_i p[i] exp(-j w0 (i - (taps - 1)/2)) x[last - taps + 1 + i] / 2^15, w0 the band's
// centre, p a Kaiser
// low-pass of 54 dB whose -6 dB points are the band's limits and whose gain is 1 in the middle.
// A tone at w comes out turning at w modulo the output rate: what a heterodyne would have turned is
// left in, because neither |.|² nor a transform that knows its bins needs it gone.
typedef struct {
    int32_t factor;  // input samples per output
    int32_t taps;
    int32_t phase;  // since the last output; -1: nothing seen yet
    float rate_hz;  // of the output
} dsp_band;

// Fills the shape; returns 0 when no filter fits. Each of the filter's two skirts is skirt_hz > 0 wide,
// half of it outside the band; `spare_hz` of the output rate is kept free besides band and skirts.
int dsp_band_shape(float rate_hz, float f_lo_hz, float f_hi_hz, float skirt_hz, float spare_hz,
                   dsp_band *band);

// taps holds 2 * band->taps values, real parts first; the history that follows band->taps - 1.
void dsp_band_design(const dsp_band *band, float rate_hz, float f_lo_hz, float f_hi_hz,
                     int16_t taps[]);

DSP_INLINE size_t dsp_band_data_bytes(const dsp_band *band) {
    return dsp_padded(sizeof(int16_t) * (size_t)(3 * band->taps));
}

DSP_INLINE int dsp_band_is_sane(const dsp_band *band) {
    return band->factor >= 1 && band->factor <= DSP_BAND_FACTOR_MAX && band->taps >= 8 &&
           (band->taps & 7) == 0 && band->taps <= DSP_BAND_TAPS_MAX && band->phase >= -1 &&
           band->phase < band->factor;
}

// A block of samples x[0..n-1], n >= 1: begin; the outputs at `last` = first, first + factor, .. < n;
// then advance by the n that were used.
void dsp_band_begin(dsp_band *band, int16_t data[], int16_t first);

DSP_INLINE int32_t dsp_band_first(const dsp_band *band) {
    return band->factor - 1 - band->phase;
}

void dsp_band_output(const dsp_band *band, const int16_t data[], const int16_t x[], int32_t last,
                     float z[2]);
void dsp_band_advance(dsp_band *band, int16_t data[], const int16_t x[], int32_t n);

// ---- spectra as lists of lines ----------------------------------------------

// Middle value of amp[first..last] without amp[hole_first..hole_last]; no memory, 31 passes.
float dsp_median(const float amp[], int32_t first, int32_t last, int32_t hole_first,
                 int32_t hole_last);

// Frequency (in bins) and amplitude of the line whose largest bin is k, 1 <= k < bins - 1.
void dsp_interpolate(const float amp[], int32_t k, int32_t window, float *bin, float *line);

#endif
