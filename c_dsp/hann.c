// The periodic Hann window, applied to a spectrum: Xw[k] = X[k]/2 - (X[k-1] + X[k+1])/4.
#include "internal.h"

float dsp_hann_power(const float y[], int32_t n, int32_t k) {
    const float im_before = k > 1 ? y[n - k + 1] : 0.0f;
    const float im_after = k < n / 2 - 1 ? y[n - k - 1] : 0.0f;
    const float re = 0.5f * y[k] - 0.25f * (y[k - 1] + y[k + 1]);
    const float im = 0.5f * y[n - k] - 0.25f * (im_before + im_after);
    return re * re + im * im;
}

// X[-1] = conj X[1], and likewise around n/2: the ends are real.
static float end_value(float end, float neighbour) {
    const float x = 0.5f * end - 0.5f * neighbour;
    return x < 0.0f ? -x : x;
}

void dsp_hann_amplitude(const float y[], int32_t n, int32_t bins, float gain, float amp[]) {
    // X[k-1] and X[k] are held back, because amp[k] may have replaced y[k].
    const float dc = end_value(y[0], y[1]);
    float re_before = y[0], im_before = 0.0f;
    float re = y[1], im = y[n - 1];
    amp[0] = gain * dc;
    for (int32_t k = 1; k < bins && k < n / 2; k++) {
        const float re_after = y[k + 1];
        const float im_after = k < n / 2 - 1 ? y[n - k - 1] : 0.0f;
        const float re_w = 0.5f * re - 0.25f * (re_before + re_after);
        const float im_w = 0.5f * im - 0.25f * (im_before + im_after);
        amp[k] = gain * dsp_sqrt(re_w * re_w + im_w * im_w);
        re_before = re;
        im_before = im;
        re = re_after;
        im = im_after;
    }
    if (bins > n / 2) {
        amp[n / 2] = gain * end_value(re, re_before);
    }
}
