// Shape factors: how a block's peak and RMS compare with its mean magnitude.
#include "internal.h"

typedef struct {
    float magnitude;  // sum of |d|
    float root;       // sum of sqrt|d|
    float square;     // sum of d²
    float peak;
} sums;

// Of blocks of 64: the rounding of a sum of blocks stays below 64 + 1024 roundings of a part.
static void add_block(const int16_t x[], int32_t n, int32_t mean, float rest, sums *total) {
    sums block = {0.0f, 0.0f, 0.0f, total->peak};
    for (int32_t i = 0; i < n; i++) {
        const float d = (float)(x[i] - mean) - rest;
        const float magnitude = d < 0.0f ? -d : d;
        block.magnitude += magnitude;
        block.root += dsp_sqrt(magnitude);
        block.square += d * d;
        block.peak = magnitude > block.peak ? magnitude : block.peak;
    }
    total->magnitude += block.magnitude;
    total->root += block.root;
    total->square += block.square;
    total->peak = block.peak;
}

dsp_status dsp_shape_factors(const int16_t x[], int32_t n, float scale, dsp_shape_set *out) {
    if (n < 2 || n > DSP_FEATURES_N_MAX) {
        return DSP_ERR_SIZE;
    }
    if (!(scale > 0.0f && scale <= 3.4028234e38f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(x, n), DSP_OUT(out, 1));
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    const int32_t mean = sum / n;
    const float rest = (float)(sum - mean * n) / (float)n;
    sums total = {0};
    for (int32_t at = 0; at < n; at += 64) {
        add_block(x + at, n - at < 64 ? n - at : 64, mean, rest, &total);
    }
    dsp_shape_set set = {0};
    if (total.peak > 0.0f) {
        const float count = (float)n;
        const float magnitude = total.magnitude / count;
        const float root = total.root / count;
        set.mean_magnitude = magnitude * scale;
        set.shape = dsp_sqrt(total.square / count) / magnitude;
        set.impulse = total.peak / magnitude;
        set.clearance = total.peak / (root * root);
    }
    *out = set;
    return DSP_OK;
}
