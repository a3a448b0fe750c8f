// Amplitude spectra and their averages.
#include "internal.h"

dsp_status dsp_spectrum(const dsp_plan *plan, const int16_t x[], float scale, float work[],
                        float amp[]) {
    if (!dsp_is_positive(scale)) {
        return DSP_ERR_VALUE;
    }
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, n), DSP_OUT(work, n),
                DSP_OUT(amp, amp == work ? 0 : n / 2 + 1));
    const dsp_status status = dsp_rfft_i16(plan, x, work);
    (void)status;                                  // all of it was checked
    const float gain = scale * (4.0f / (float)n);  // 2 / sum(w)
    dsp_hann_amplitude(work, n, n / 2 + 1, gain, amp);
    amp[0] *= 0.5f;
    amp[n / 2] *= 0.5f;
    return DSP_OK;
}

dsp_status dsp_power_add(const float amp[], int32_t n, float acc[]) {
    if (n < 1) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_IN(amp, n), DSP_OUT(acc, n));
    for (int32_t i = 0; i < n; i++) {
        acc[i] += amp[i] * amp[i];
    }
    return DSP_OK;
}

dsp_status dsp_power_mean(int32_t n, int32_t count, float acc[], float amp[]) {
    if (n < 1) {
        return DSP_ERR_SIZE;
    }
    if (count < 1) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(acc, n), DSP_OUT(amp, n));
    const float windows = (float)count;
    for (int32_t i = 0; i < n; i++) {
        amp[i] = dsp_sqrt(acc[i] / windows);
        acc[i] = 0.0f;
    }
    return DSP_OK;
}
