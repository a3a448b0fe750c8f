// Spectral kurtosis of a paving of bands: where the signal is most impulsive.
#include "condition.h"

#define PARTS_FIRST 2

// 2, 3, 4, 6, 8, 12, 16, ...
static int32_t next_parts(int32_t parts) {
    return (parts & (parts - 1)) == 0 ? parts + parts / 2 : parts / 3 * 4;
}

int32_t dsp_kurtogram_bands(int32_t n, int32_t parts_max) {
    if (dsp_plan_bytes(n) == 0 || parts_max < PARTS_FIRST || parts_max > n / 32) {
        return 0;
    }
    int32_t bands = 0;
    for (int32_t parts = PARTS_FIRST; parts <= parts_max; parts = next_parts(parts)) {
        bands += parts;
    }
    return bands;
}

static void limits(int32_t n, int32_t parts, int32_t index, int32_t *k_lo, int32_t *k_hi) {
    const int32_t width = (n / 2 - 1) / parts;
    *k_lo = 1 + index * width;
    *k_hi = *k_lo + width - 1;
}

dsp_status dsp_kurtogram_band(int32_t n, int32_t parts_max, int32_t band, int32_t *k_lo,
                              int32_t *k_hi) {
    const int32_t bands = dsp_kurtogram_bands(n, parts_max);
    if (bands == 0) {
        return DSP_ERR_SIZE;
    }
    if (band < 0 || band >= bands) {
        return DSP_ERR_BAND;
    }
    DSP_REQUIRE(DSP_OUT(k_lo, 1), DSP_OUT(k_hi, 1));
    int32_t parts = PARTS_FIRST;
    while (band >= parts) {
        band -= parts;
        parts = next_parts(parts);
    }
    limits(n, parts, band, k_lo, k_hi);
    return DSP_OK;
}

static int32_t points_for(int32_t width) {
    int32_t m = DSP_N_MIN;
    while (m < 2 * width) {
        m *= 2;
    }
    return m;
}

size_t dsp_kurtogram_bytes(int32_t n) {
    if (dsp_plan_bytes(n) == 0) {
        return 0;
    }
    const int32_t m = points_for((n / 2 - 1) / PARTS_FIRST);
    return dsp_padded(dsp_plan_bytes(m)) + sizeof(float) * (size_t)(2 * m);
}

// Means of |c|² and |c|^4 over the block without a sixteenth at each end, where a block that was
// cut out of a signal has a click of its own.
static void add_band(const dsp_plan *plan, const float y[], int32_t n, int32_t k_lo, int32_t k_hi,
                     float uv[], float sums[2]) {
    const int32_t m = plan->n;
    const int32_t width = k_hi - k_lo + 1;
    float *u = uv;
    float *v = uv + m;
    const dsp_source re = {DSP_FROM_BAND, y + k_lo, 0, 1, width};
    const dsp_source im = {DSP_FROM_BAND, y + n - k_lo, 0, -1, width};
    dsp_transform(plan, &re, u);
    dsp_transform(plan, &im, v);
    const float gain = 2.0f / (float)n;
    float power = 0.0f, squared = 0.0f;
    for (int32_t t = m / 16; t < m / 2; t++) {
        const float a_re = gain * (u[t] - v[m - t]), a_im = gain * (u[m - t] + v[t]);
        const float b_re = gain * (u[t] + v[m - t]), b_im = gain * (v[t] - u[m - t]);
        const float a = a_re * a_re + a_im * a_im;
        const float b = b_re * b_re + b_im * b_im;
        power += a + b;
        squared += a * a + b * b;
    }
    const float points = (float)(2 * (m / 2 - m / 16));
    sums[0] += power / points;
    sums[1] += squared / points;
}

dsp_status dsp_kurtogram_add(const float y[], int32_t n, int32_t parts_max, void *work,
                             size_t work_bytes, float sums[]) {
    if (dsp_kurtogram_bands(n, parts_max) == 0) {
        return DSP_ERR_SIZE;
    }
    const dsp_status status = dsp_memory_status(work, work_bytes, dsp_kurtogram_bytes(n));
    if (status != DSP_OK) {
        return status;
    }
    DSP_REQUIRE(DSP_IN(y, n), DSP_BYTES(work, dsp_kurtogram_bytes(n)),
                DSP_OUT(sums, 2 * dsp_kurtogram_bands(n, parts_max)));
    int32_t m = 0;
    const dsp_plan *plan = NULL;
    float *uv = NULL;
    for (int32_t parts = PARTS_FIRST; parts <= parts_max; parts = next_parts(parts)) {
        int32_t k_lo, k_hi;
        limits(n, parts, 0, &k_lo, &k_hi);
        if (points_for(k_hi - k_lo + 1) != m) {
            m = points_for(k_hi - k_lo + 1);
            const size_t plan_bytes = dsp_plan_bytes(m);
            const dsp_status planned = dsp_plan_init(m, work, plan_bytes, &plan);
            (void)planned;  // m, alignment and size were checked
            uv = (float *)(void *)((char *)work + dsp_padded(plan_bytes));
        }
        for (int32_t i = 0; i < parts; i++) {
            limits(n, parts, i, &k_lo, &k_hi);
            add_band(plan, y, n, k_lo, k_hi, uv, sums);
            sums += 2;
        }
    }
    return DSP_OK;
}

dsp_status dsp_kurtogram_best(const float sums[], int32_t n, int32_t parts_max, int32_t blocks,
                              int32_t k_from, int32_t k_to, int32_t *band, float *kurtosis) {
    const int32_t bands = dsp_kurtogram_bands(n, parts_max);
    if (bands == 0) {
        return DSP_ERR_SIZE;
    }
    if (blocks < 1 || blocks > 1000000) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(sums, 2 * bands), DSP_OUT(band, 1), DSP_OUT(kurtosis, 1));
    int32_t best = -1;
    float most = 0.0f, best_excess = 0.0f;
    for (int32_t i = 0; i < bands; i++) {
        int32_t k_lo, k_hi;
        const dsp_status status = dsp_kurtogram_band(n, parts_max, i, &k_lo, &k_hi);
        if (status != DSP_OK || k_lo < k_from || k_hi > k_to) {
            continue;
        }
        const float power = sums[2 * i];
        const float k =
            power > 0.0f ? (float)blocks * sums[2 * i + 1] / (power * power) - 2.0f : -2.0f;
        // Of Gaussian noise k has mean 0 and variance 4 / (bins seen): three of those are no find.
        const float seen = 0.875f * (float)(k_hi - k_lo + 1) * (float)blocks;
        const float excess = k - 6.0f / dsp_sqrt(seen);
        if (best < 0 || excess > most) {
            best = i;
            most = excess;
            best_excess = k;
        }
    }
    if (best < 0) {
        return DSP_ERR_BAND;
    }
    *band = best;
    *kurtosis = best_excess;
    return DSP_OK;
}
