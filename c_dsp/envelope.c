// Squared envelope spectrum of a band, on as many points as the band needs.
#include "internal.h"

// e = |U + i V|² with U, V the spectra of the real and the imaginary part of the band's bins, for
// all m points, into u. U + i V at -t is conj(U[t]) + i conj(V[t]).
static void square(float u[], const float v[], int32_t m, float gain) {
    const float power = gain * gain;
    u[0] = power * (u[0] * u[0] + v[0] * v[0]);
    u[m / 2] = power * (u[m / 2] * u[m / 2] + v[m / 2] * v[m / 2]);
    for (int32_t t = 1; t < m / 2; t++) {
        const float re = u[t] - v[m - t], im = u[m - t] + v[t];
        const float re_back = u[t] + v[m - t], im_back = v[t] - u[m - t];
        u[t] = power * (re * re + im * im);
        u[m - t] = power * (re_back * re_back + im_back * im_back);
    }
}

// Sums of 64 first: their rounding errors stay below one part in 10^6 of the sum. The mean need not
// be better, because bin 0 is cleared afterwards; it only keeps large numbers out of the transform.
static void remove_mean(float e[], int32_t m) {
    float total = 0.0f;
    for (int32_t first = 0; first < m; first += 64) {
        float block = 0.0f;
        for (int32_t i = 0; i < 64; i++) {
            block += e[first + i];
        }
        total += block;
    }
    const float mean = total / (float)m;
    for (int32_t i = 0; i < m; i++) {
        e[i] -= mean;
    }
}

static dsp_status check(int32_t m, int32_t n, int32_t k_lo, int32_t k_hi, float scale,
                        int32_t bins) {
    if (m == 0) {
        return DSP_ERR_PLAN;
    }
    if (dsp_plan_bytes(n) == 0) {
        return DSP_ERR_SIZE;
    }
    if (k_lo < 1 || k_hi < k_lo || k_hi > n / 2 - 1) {
        return DSP_ERR_BAND;
    }
    const int32_t width = k_hi - k_lo + 1;
    if (m < 2 * width) {
        return DSP_ERR_SIZE;
    }
    if (bins < 1 || bins > width) {
        return DSP_ERR_BAND;
    }
    return dsp_is_positive(scale) ? DSP_OK : DSP_ERR_VALUE;
}

dsp_status dsp_envelope(const dsp_plan *plan_m, const float y[], int32_t n, int32_t k_lo,
                        int32_t k_hi, float scale, int32_t bins, float scratch[], float amp[]) {
    const int32_t m = dsp_plan_n(plan_m);
    const dsp_status status = check(m, n, k_lo, k_hi, scale, bins);
    if (status != DSP_OK) {
        return status;
    }
    DSP_REQUIRE(DSP_PLAN(plan_m), DSP_IN(y, n), DSP_OUT(scratch, 2 * m), DSP_OUT(amp, bins));
    const int32_t width = k_hi - k_lo + 1;
    const dsp_source re = {DSP_FROM_BAND, y + k_lo, 0, 1, width};
    const dsp_source im = {DSP_FROM_BAND, y + n - k_lo, 0, -1, width};
    float *u = scratch;
    float *v = scratch + m;
    dsp_transform(plan_m, &re, u);
    dsp_transform(plan_m, &im, v);
    square(u, v, m, scale * (2.0f / (float)n));
    remove_mean(u, m);
    const dsp_source e = {DSP_FROM_F32, u, 0, 1, m};
    dsp_transform(plan_m, &e, v);
    v[0] = 0.0f;
    dsp_hann_amplitude(v, m, bins, 4.0f / (float)m, amp);  // 2 / sum(w)
    return DSP_OK;
}
