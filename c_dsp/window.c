// Windows: sums of cosines applied to a spectrum, and Kaiser's as a table.
#include "condition.h"

#define TERMS 5

// w[t] = a0 - a1 cos(2 pi t/n) + a2 cos(4 pi t/n) - a3 cos(6 pi t/n) + a4 cos(8 pi t/n)
static const float coefficients[DSP_WINDOWS][TERMS] = {
    {0.5f, 0.5f, 0.0f, 0.0f, 0.0f},
    {0.54f, 0.46f, 0.0f, 0.0f, 0.0f},
    {0.35875f, 0.48829f, 0.14128f, 0.01168f, 0.0f},
    {0.21557895f, 0.41663158f, 0.277263158f, 0.083578947f, 0.006947368f},
};

float dsp_window_mean_square(int32_t window) {
    const float *a = coefficients[window];
    float sum = 0.0f;
    for (int32_t j = 1; j < TERMS; j++) {
        sum += a[j] * a[j];
    }
    return a[0] * a[0] + 0.5f * sum;
}

dsp_status dsp_window_info(int32_t window, float *coherent_gain, float *enbw_bins) {
    if (!dsp_is_window(window)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(coherent_gain, 1), DSP_OUT(enbw_bins, 1));
    const float a0 = coefficients[window][0];
    *coherent_gain = a0;
    *enbw_bins = dsp_window_mean_square(window) / (a0 * a0);
    return DSP_OK;
}

// X[k] for -4 <= k <= n/2 + 4: X[-k] = conj X[k], X[n/2 + k] = conj X[n/2 - k].
static void bin_at(const float y[], int32_t n, int32_t k, float *re, float *im) {
    const int32_t mirrored = k < 0 ? -k : k > n / 2 ? n - k : k;
    const float part = mirrored == 0 || mirrored == n / 2 ? 0.0f : y[n - mirrored];
    *re = y[mirrored];
    *im = mirrored == k ? part : -part;
}

// Xw[k] = a0 X[k] + sum_j (-1)^j a_j/2 (X[k-j] + X[k+j])
float dsp_window_power(const float y[], int32_t n, int32_t window, int32_t k) {
    const float *a = coefficients[window];
    float re, im;
    bin_at(y, n, k, &re, &im);
    re *= a[0];
    im *= a[0];
    for (int32_t j = 1; j < TERMS && a[j] > 0.0f; j++) {
        float re_lo, im_lo, re_hi, im_hi;
        bin_at(y, n, k - j, &re_lo, &im_lo);
        bin_at(y, n, k + j, &re_hi, &im_hi);
        const float half = (j & 1) ? -0.5f * a[j] : 0.5f * a[j];
        re += half * (re_lo + re_hi);
        im += half * (im_lo + im_hi);
    }
    return re * re + im * im;
}

dsp_status dsp_spectrum_window(const dsp_plan *plan, const int16_t x[], float scale, int32_t window,
                               float work[], float amp[]) {
    if (!dsp_is_positive(scale) || !dsp_is_window(window)) {
        return DSP_ERR_VALUE;
    }
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, n), DSP_OUT(work, n), DSP_OUT(amp, n / 2 + 1));
    const dsp_status status = dsp_rfft_i16(plan, x, work);
    (void)status;  // all of it was checked
    const float gain = scale * 2.0f / ((float)n * coefficients[window][0]);
    for (int32_t k = 0; k <= n / 2; k++) {
        amp[k] = gain * dsp_sqrt(dsp_window_power(work, n, window, k));
    }
    amp[0] *= 0.5f;
    amp[n / 2] *= 0.5f;
    return DSP_OK;
}

// sum_k ((x/2)^k / k!)²: every term is positive, so nothing cancels.
float dsp_bessel_i0(float x) {
    const float q = 0.25f * x * x;
    float term = 1.0f, sum = 1.0f;
    for (int32_t k = 1; term > 1e-9f * sum; k++) {
        term *= q / (float)(k * k);
        sum += term;
    }
    return sum;
}

float dsp_kaiser_value(float beta, float u, float reciprocal) {
    const float inside = (1.0f - u) * (1.0f + u);
    return dsp_bessel_i0(beta * dsp_sqrt(inside > 0.0f ? inside : 0.0f)) * reciprocal;
}

dsp_status dsp_kaiser(int32_t n, float beta, float w[], float *coherent_gain, float *enbw_bins) {
    if (n < 2) {
        return DSP_ERR_SIZE;
    }
    if (!(beta >= 0.0f && beta <= 40.0f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(w, n), DSP_OUT(coherent_gain, 1), DSP_OUT(enbw_bins, 1));
    const float reciprocal = 1.0f / dsp_bessel_i0(beta);
    float sum = 0.0f, squares = 0.0f;
    for (int32_t t = 0; t < n; t++) {
        // Periodic: the window of n + 1 points without its last, and symmetric about n/2.
        const int32_t mirrored = t <= n - t ? t : n - t;
        w[t] = dsp_kaiser_value(beta, (float)(2 * mirrored - n) / (float)n, reciprocal);
        sum += w[t];
        squares += w[t] * w[t];
    }
    *coherent_gain = sum / (float)n;
    *enbw_bins = (float)n * squares / (sum * sum);
    return DSP_OK;
}

static int32_t rounded_mean(const int16_t x[], int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return (sum + (sum < 0 ? -n / 2 : n / 2)) / n;
}

dsp_status dsp_spectrum_table(const dsp_plan *plan, const int16_t x[], float scale, const float w[],
                              float coherent_gain, float work[], float amp[]) {
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    if (!dsp_is_positive(scale) || !dsp_is_positive(coherent_gain)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, n), DSP_IN(w, n), DSP_OUT(work, 2 * n),
                DSP_OUT(amp, n / 2 + 1));
    float *windowed = work;
    float *y = work + n;
    const int32_t mean = rounded_mean(x, n);
    int32_t rest = 0;
    for (int32_t i = 0; i < n; i++) {
        rest += x[i] - mean;
    }
    const float fraction = (float)rest / (float)n;
    for (int32_t i = 0; i < n; i++) {
        windowed[i] = ((float)(x[i] - mean) - fraction) * w[i];
    }
    const dsp_source source = {DSP_FROM_F32, windowed, 0, 1, n};
    dsp_transform(plan, &source, y);
    const float gain = scale * 2.0f / ((float)n * coherent_gain);
    for (int32_t k = 1; k < n / 2; k++) {
        amp[k] = gain * dsp_sqrt(y[k] * y[k] + y[n - k] * y[n - k]);
    }
    const float dc = y[0] < 0.0f ? -y[0] : y[0];
    const float nyquist = y[n / 2] < 0.0f ? -y[n / 2] : y[n / 2];
    amp[0] = 0.5f * gain * dc;
    amp[n / 2] = 0.5f * gain * nyquist;
    return DSP_OK;
}
