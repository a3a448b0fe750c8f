// One-sided band filter with decimation: heterodyne and low-pass in one integer FIR.
#include "condition.h"
#include "dual.h"

// Kaiser's rules for A dB: beta = 0.1102 (A - 8.7), taps = (A - 7.95) / (14.36 skirt / rate).
#define BETA 4.99f  // 54 dB
#define TAPS_PER_RATE_OVER_SKIRT 3.2f

int dsp_band_shape(float rate_hz, float f_lo_hz, float f_hi_hz, float skirt_hz, float spare_hz,
                   dsp_band *band) {
    if (!dsp_is_positive(rate_hz) || !dsp_is_positive(spare_hz) || !dsp_is_positive(f_lo_hz) ||
        !(f_hi_hz > f_lo_hz) || !(f_hi_hz < 0.5f * rate_hz)) {
        return 0;
    }
    const float taps = TAPS_PER_RATE_OVER_SKIRT * rate_hz / skirt_hz;
    if (!(taps <= (float)(DSP_BAND_TAPS_MAX - 8))) {
        return 0;
    }
    const float factor = rate_hz / (f_hi_hz - f_lo_hz + skirt_hz + spare_hz);
    if (!(factor >= 1.0f)) {
        return 0;
    }
    band->factor = factor > (float)DSP_BAND_FACTOR_MAX ? DSP_BAND_FACTOR_MAX : (int32_t)factor;
    band->taps = ((int32_t)taps + 8) & ~7;
    band->phase = -1;
    band->rate_hz = rate_hz / (float)band->factor;
    return 1;
}

// Low-pass prototype at t = i - (taps - 1)/2, unscaled: sin(pi width t) / t, windowed.
static float prototype(const dsp_band *band, uint32_t quarter_width, int32_t i, float reciprocal) {
    const int32_t twice_t = 2 * i - (band->taps - 1);  // odd, never 0
    float sine, cosine;
    dsp_sincos(quarter_width * (uint32_t)twice_t, &sine, &cosine);
    const float u = (float)twice_t / (float)band->taps;
    return sine / (float)twice_t * dsp_kaiser_value(BETA, u, reciprocal);
}

static int16_t rounded(float v) {
    return (int16_t)(int32_t)(v < 0.0f ? v - 0.5f : v + 0.5f);
}

void dsp_band_design(const dsp_band *band, float rate_hz, float f_lo_hz, float f_hi_hz,
                     int16_t taps[]) {
    const uint32_t quarter_width = dsp_phase((f_hi_hz - f_lo_hz) / (4.0f * rate_hz));
    const uint32_t half_centre = dsp_phase((f_lo_hz + f_hi_hz) / (4.0f * rate_hz));
    const float reciprocal = 1.0f / dsp_bessel_i0(BETA);
    float sum = 0.0f;
    for (int32_t i = 0; i < band->taps; i++) {
        sum += prototype(band, quarter_width, i, reciprocal);
    }
    // Phases from the middle, and both halves from one: exactly even and odd.
    for (int32_t i = 0; i < band->taps / 2; i++) {
        const float p = 32768.0f / sum * prototype(band, quarter_width, i, reciprocal);
        const int32_t mirror = band->taps - 1 - i;
        float sine, cosine;
        dsp_sincos(half_centre * (uint32_t)(i - mirror), &sine, &cosine);
        taps[i] = taps[mirror] = rounded(p * cosine);
        taps[band->taps + i] = rounded(-p * sine);
        taps[band->taps + mirror] = (int16_t)-taps[band->taps + i];
    }
}

// The taps' magnitudes add up to less than 2 * 2^15, so 32 bits hold every partial sum, in any order.
// Taps lie as all real parts, then (`apart` further on) all imaginary parts.
static void dot(const int16_t taps[], int32_t apart, const int16_t x[], int32_t n, int32_t sum[2]) {
    int32_t re = sum[0], im = sum[1], i = 0;
#if DSP_DUAL
    for (; i < n - 1; i += 2) {
        const int16x2_t v = dsp_pair(x + i);
        re = __smlad(dsp_pair(taps + i), v, re);
        im = __smlad(dsp_pair(taps + apart + i), v, im);
    }
#endif
    for (; i < n; i++) {
        re += taps[i] * x[i];
        im += taps[apart + i] * x[i];
    }
    sum[0] = re;
    sum[1] = im;
}

// The same for all n taps, a multiple of 8, of a window in one piece.
#if DSP_DUAL
static void all_taps(const int16_t taps[], const int16_t x[], int32_t n, int32_t sum[2]) {
    const int16_t *taps_im = taps + n;
    int32_t re = 0, im = 0;
    for (const int16_t *end = x + n; x < end; x += 8, taps += 8, taps_im += 8) {
        DSP_UNROLL
        for (int32_t i = 0; i < 8; i += 2) {
            const int16x2_t v = dsp_pair(x + i);
            re = __smlad(dsp_pair(taps + i), v, re);
            im = __smlad(dsp_pair(taps_im + i), v, im);
        }
    }
    sum[0] = re;
    sum[1] = im;
}
#else
// About its middle the real parts are even and the imaginary parts odd, so that a pair of samples
// takes two products instead of four.
static void all_taps(const int16_t taps[], const int16_t x[], int32_t n, int32_t sum[2]) {
    const int16_t *taps_im = taps + n;
    const int16_t *end = x + n - 1;
    int32_t re = 0, im = 0;
    for (; x < end; x += 4, end -= 4, taps += 4, taps_im += 4) {
        DSP_UNROLL
        for (int32_t i = 0; i < 4; i++) {
            const int32_t a = x[i], b = end[-i];
            re += taps[i] * (a + b);
            im += taps_im[i] * (a - b);
        }
    }
    sum[0] = re;
    sum[1] = im;
}
#endif

static void start(dsp_band *band, int16_t history[], int16_t first) {
    band->phase = 0;
    for (int32_t i = 0; i < band->taps - 1; i++) {
        history[i] = first;
    }
}

static void remember(int16_t history[], int32_t past, const int16_t x[], int32_t n) {
    const int32_t kept = n < past ? past - n : 0;
    for (int32_t i = 0; i < kept; i++) {
        history[i] = history[n + i];
    }
    for (int32_t i = kept; i < past; i++) {
        history[i] = x[n - past + i];
    }
}

void dsp_band_begin(dsp_band *band, int16_t data[], int16_t first) {
    if (band->phase < 0) {
        start(band, data + 2 * band->taps, first);
    }
}

void dsp_band_output(const dsp_band *band, const int16_t data[], const int16_t x[], int32_t last,
                     float z[2]) {
    const int16_t *history = data + 2 * band->taps;
    const int32_t past = band->taps - 1;
    const int32_t old = last < past ? past - last : 0;
    int32_t sum[2] = {0, 0};
    if (old == 0) {
        all_taps(data, x + (last - past), band->taps, sum);
    } else {
        dot(data, band->taps, history + past - old, old, sum);
        dot(data + old, band->taps, x, band->taps - old, sum);
    }
    z[0] = (float)sum[0] * 3.0517578125e-5f;
    z[1] = (float)sum[1] * 3.0517578125e-5f;
}

void dsp_band_advance(dsp_band *band, int16_t data[], const int16_t x[], int32_t n) {
    band->phase = (band->phase + n % band->factor) % band->factor;
    remember(data + 2 * band->taps, band->taps - 1, x, n);
}
