// Inverse real FFT by the forward one. The Hartley transform is its own inverse up to n, and
//   H[k] = Re X[k] - Im X[k]
// leads from one to the other, in both directions: h from the spectrum, its FFT, x from that.
#include "internal.h"

dsp_status dsp_irfft_f32(const dsp_plan *plan, const float y[], float work[], float x[]) {
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(y, n), DSP_OUT(work, n), DSP_OUT(x, n));
    work[0] = y[0];
    work[n / 2] = y[n / 2];
    for (int32_t k = 1; k < n / 2; k++) {
        const float re = y[k], im = y[n - k];
        work[k] = re - im;
        work[n - k] = re + im;
    }
    const dsp_status status = dsp_rfft_f32(plan, work, x);
    (void)status;                         // all of it was checked
    const float scale = 1.0f / (float)n;  // a power of two: exact
    x[0] *= scale;
    x[n / 2] *= scale;
    for (int32_t t = 1; t < n / 2; t++) {
        const float re = x[t] * scale, im = x[n - t] * scale;
        x[t] = re - im;
        x[n - t] = re + im;
    }
    return DSP_OK;
}
