// A few bins of a long record, sample by sample: a bank of Goertzel filters.
//
// In blocks of 64, so that the recursion's rounding (which grows with its length) stays at float's
// level; each block's bin is turned to the record's start by its exact phase and added.
// The recursion s[t] = x[t] + 2 cos(w) s[t-1] - s[t-2] loses digits near w = 0 and pi, so it keeps
// s[t-1] and the difference (below a quarter of the rate) or sum (above) d of the last two instead.
// Source: Goertzel (1958); Reinsch in Stoer & Bulirsch, Introduction to Numerical Analysis, 2.3.
#include "condition.h"

#define BLOCK 64

dsp_status dsp_goertzel_init(float rate_hz, const float freq_hz[], int32_t count,
                             dsp_goertzel_bin bins[], dsp_goertzel *state) {
    if (count < 1) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(rate_hz)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(freq_hz, count), DSP_OUT(bins, count), DSP_OUT(state, 1));
    for (int32_t i = 0; i < count; i++) {
        if (!(freq_hz[i] >= 0.0f && freq_hz[i] < 0.5f * rate_hz)) {
            return DSP_ERR_VALUE;
        }
    }
    for (int32_t i = 0; i < count; i++) {
        const dsp_goertzel_bin fresh = {dsp_phase(freq_hz[i] / rate_hz) & ~1u, 0.0f, 0.0f, 0.0f,
                                        0.0f};
        bins[i] = fresh;
    }
    const dsp_goertzel fresh = {count, 0, 0, 0, 0.0f};
    *state = fresh;
    return DSP_OK;
}

typedef struct {
    float sign;   // 1 below a quarter of the rate, -1 above
    float twice;  // 2 cos(w) - 2 sign
} recursion;

static recursion recursion_of(uint32_t step) {
    float sine, cosine;
    dsp_sincos(step / 2u, &sine, &cosine);
    const recursion low = {1.0f, -4.0f * sine * sine};
    const recursion high = {-1.0f, 4.0f * cosine * cosine};
    return step < 0x40000000u ? low : high;
}

static void close_block(dsp_goertzel_bin *bin, uint32_t length, uint32_t first) {
    // s1 e^{jw} - s2 = sum x[t] e^{jw (length - t)}: turned back by first + length it is the bin.
    float sine, cosine;
    const recursion r = recursion_of(bin->step);
    dsp_sincos(bin->step, &sine, &cosine);
    const float re = 0.5f * r.twice * bin->s + r.sign * bin->d;
    const float im = bin->s * sine;
    dsp_sincos(bin->step * (first + length), &sine, &cosine);
    bin->re += re * cosine + im * sine;
    bin->im += im * cosine - re * sine;
    bin->s = bin->d = 0.0f;
}

static void run_block(dsp_goertzel_bin *bin, const int16_t x[], int32_t n, int32_t offset) {
    const recursion r = recursion_of(bin->step);
    float s = bin->s, d = bin->d;
    for (int32_t i = 0; i < n; i++) {
        d = (float)(x[i] - offset) + r.twice * s + r.sign * d;
        s = d + r.sign * s;
    }
    bin->s = s;
    bin->d = d;
}

dsp_status dsp_goertzel_feed(dsp_goertzel *state, dsp_goertzel_bin bins[], const int16_t x[],
                             int32_t n) {
    DSP_REQUIRE(DSP_OUT(state, 1));
    if (state->count < 1 || state->samples < 0 || state->samples > DSP_GOERTZEL_SAMPLES_MAX ||
        state->block < 0 || state->block >= BLOCK || state->offset != (int16_t)state->offset) {
        return DSP_ERR_VALUE;
    }
    if (n < 0 || n > DSP_GOERTZEL_SAMPLES_MAX - state->samples) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_OUT(state, 1), DSP_OUT(bins, state->count), DSP_IN(x, n));
    if (state->samples == 0 && n > 0) {
        state->offset = x[0];
    }
    for (int32_t at = 0; at < n;) {
        const int32_t left = BLOCK - state->block;
        const int32_t piece = n - at < left ? n - at : left;
        int32_t sum = 0;
        for (int32_t i = 0; i < piece; i++) {
            sum += x[at + i] - state->offset;
        }
        state->sum += (float)sum;
        const int full = piece == left;
        for (int32_t b = 0; b < state->count; b++) {
            run_block(bins + b, x + at, piece, state->offset);
            if (full) {
                close_block(bins + b, BLOCK, (uint32_t)(state->samples - state->block));
            }
        }
        state->block = full ? 0 : state->block + piece;
        state->samples += piece;
        at += piece;
    }
    return DSP_OK;
}

// sum_{t<n} e^{-jwt} = e^{-jw(n-1)/2} sin(wn/2) / sin(w/2)
static void mean_leak(uint32_t step, int32_t n, float *re, float *im) {
    if (step == 0u) {
        *re = (float)n;
        *im = 0.0f;
        return;
    }
    const uint32_t half = step / 2u;  // steps are even: exact, and so are the phases below
    float sine, cosine, s, c;
    dsp_sincos(half, &sine, &cosine);
    dsp_sincos(half * (uint32_t)n, &s, &c);
    const float size = s / sine;
    dsp_sincos(half * (uint32_t)(n - 1), &s, &c);
    *re = size * c;
    *im = -size * s;
}

dsp_status dsp_goertzel_read(dsp_goertzel *state, dsp_goertzel_bin bins[], float scale,
                             float re_im[]) {
    DSP_REQUIRE(DSP_OUT(state, 1));
    if (state->samples < 1) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(scale) || state->count < 1) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(state, 1), DSP_OUT(bins, state->count),
                DSP_OUT(re_im, 2 * (size_t)state->count));
    const float n = (float)state->samples;
    const float mean = state->sum / n;
    for (int32_t b = 0; b < state->count; b++) {
        dsp_goertzel_bin *bin = bins + b;
        if (state->block > 0) {
            const uint32_t first = (uint32_t)(state->samples - state->block);
            close_block(bin, (uint32_t)state->block, first);
        }
        float re, im;
        mean_leak(bin->step, state->samples, &re, &im);
        re_im[2 * b] = 2.0f * scale / n * (bin->re - mean * re);
        re_im[2 * b + 1] = 2.0f * scale / n * (bin->im - mean * im);
        bin->re = bin->im = 0.0f;
    }
    state->samples = state->block = 0;
    state->sum = 0.0f;
    return DSP_OK;
}
