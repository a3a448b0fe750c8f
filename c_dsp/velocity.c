// Velocity RMS in a band, by integration in the frequency domain.
#include "internal.h"

#define TIE 1e-6f  // a bin this close (relatively) to a limit lies on it

// First whole number >= q and last <= q, with ties as above; q >= 0 and small.
static int32_t bin_from(float q) {
    const float limit = q - TIE * q;
    const int32_t k = (int32_t)limit;
    return (float)k < limit ? k + 1 : k;
}

static int32_t bin_to(float q) {
    return (int32_t)(q + TIE * q);
}

// |X'[n/2]|², c/2 as large in amplitude as the others.
static float nyquist_power(const float y[], int32_t n) {
    const float x = 0.25f * (y[n / 2] - y[n / 2 - 1]);
    return x * x;
}

dsp_status dsp_velocity(const dsp_plan *plan, const int32_t rec[], float scale, float rate_hz,
                        float f_lo_hz, float f_hi_hz, float work[], float *mm_s) {
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    if (!dsp_is_positive(scale) || !dsp_is_positive(rate_hz) || !dsp_is_positive(f_lo_hz) ||
        !(f_hi_hz >= f_lo_hz) || !(f_hi_hz <= 0.5f * rate_hz)) {
        return DSP_ERR_VALUE;
    }
    const float per_hz = (float)n / rate_hz;
    if (!dsp_is_positive(per_hz)) {
        return DSP_ERR_VALUE;  // a rate next to 0
    }
    const int32_t from = bin_from(f_lo_hz * per_hz);
    int32_t to = bin_to(f_hi_hz * per_hz);
    to = to > n / 2 ? n / 2 : to;
    const int32_t k_lo = from < 1 ? 1 : from;
    if (k_lo > to) {
        return DSP_ERR_BAND;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(rec, n), DSP_OUT(work, n), DSP_OUT(mm_s, 1));
    const dsp_status status = dsp_rfft_i32(plan, rec, work);
    (void)status;  // all of it was checked
    // sum of |Xw[k]|² / k², in blocks of 64 bins
    float total = 0.0f;
    for (int32_t first = k_lo; first <= to; first += 64) {
        float block = 0.0f;
        for (int32_t k = first; k < first + 64 && k <= to; k++) {
            const float power = k < n / 2 ? dsp_hann_power(work, n, k) : nyquist_power(work, n);
            block += power / ((float)k * (float)k);
        }
        total += block;
    }
    // A_k / (2 pi f_k) = (4/n) scale/256 |Xw| / (2 pi k rate/n);  1000 for mm, 3 = 2 * ENBW
    const float lsb = scale / (float)(1 << DSP_DECIMATE_FRACTION_BITS);
    *mm_s = 2000.0f * 0.31830988618f * lsb / rate_hz * dsp_sqrt(total / 3.0f);
    return DSP_OK;
}
