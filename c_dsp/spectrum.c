// Amplitude spectra and their averages.
#include "internal.h"

dsp_status dsp_spectrum(const dsp_plan *plan, const int16_t x[], float scale, float work[],
                        float amp[]) {
    if (!dsp_is_positive(scale)) {
        return DSP_ERR_VALUE;
    }
    const dsp_status status = dsp_rfft_i16(plan, x, work);
    if (status != DSP_OK) {
        return status;
    }
    const int32_t n = plan->n;
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
    const float windows = (float)count;
    for (int32_t i = 0; i < n; i++) {
        amp[i] = dsp_sqrt(acc[i] / windows);
        acc[i] = 0.0f;
    }
    return DSP_OK;
}
