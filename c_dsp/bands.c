// Values of bands: RMS from a spectrum, displacement from a record.
#include "condition.h"

#define TIE 1e-6f  // a bin this close (relatively) to a limit lies on it, as in dsp_velocity

// Bins inside f_lo..f_hi; 0 when there is none.
static int bins_between(float f_lo_hz, float f_hi_hz, float bin_hz, int32_t bins, int32_t *first,
                        int32_t *last) {
    const float lo = f_lo_hz / bin_hz * (1.0f - TIE);
    const float hi = f_hi_hz / bin_hz * (1.0f + TIE);
    if (!(lo <= (float)(bins - 1))) {
        return 0;
    }
    *first = (int32_t)lo < lo ? (int32_t)lo + 1 : (int32_t)lo;
    *last = hi >= (float)(bins - 1) ? bins - 1 : (int32_t)hi;
    return *first <= *last;
}

static float sum_of_squares(const float amp[], int32_t first, int32_t last) {
    float total = 0.0f;
    for (int32_t at = first; at <= last; at += 64) {
        float block = 0.0f;
        for (int32_t k = at; k < at + 64 && k <= last; k++) {
            block += amp[k] * amp[k];
        }
        total += block;
    }
    return total;
}

dsp_status dsp_band_rms(const float amp[], int32_t bins, float bin_hz, float enbw_bins,
                        const float limits_hz[], int32_t count, float rms[]) {
    if (bins < 2 || count < 1) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(bin_hz) || !(enbw_bins >= 1.0f) || !dsp_is_finite(enbw_bins)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(amp, bins), DSP_IN(limits_hz, 2 * (size_t)count), DSP_OUT(rms, count));
    int32_t first, last;
    for (int32_t i = 0; i < count; i++) {
        const float lo = limits_hz[2 * i], hi = limits_hz[2 * i + 1];
        if (!(lo >= 0.0f) || !(hi >= lo) || !dsp_is_finite(hi)) {
            return DSP_ERR_VALUE;
        }
        if (!bins_between(lo, hi, bin_hz, bins, &first, &last)) {
            return DSP_ERR_BAND;
        }
    }
    for (int32_t i = 0; i < count; i++) {
        bins_between(limits_hz[2 * i], limits_hz[2 * i + 1], bin_hz, bins, &first, &last);
        float power = sum_of_squares(amp, first, last);
        // DC is no sine: its amplitude is its RMS, as is Nyquist's (which needs all bins).
        power += first == 0 ? amp[0] * amp[0] : 0.0f;
        power += last == bins - 1 ? amp[last] * amp[last] : 0.0f;
        rms[i] = dsp_sqrt(power / (2.0f * enbw_bins));
    }
    return DSP_OK;
}

dsp_status dsp_displacement(const dsp_plan *plan, const int32_t rec[], float scale, float rate_hz,
                            float f_lo_hz, float f_hi_hz, float work[], float *um) {
    const int32_t n = dsp_plan_n(plan);
    if (n == 0) {
        return DSP_ERR_PLAN;
    }
    if (!dsp_is_positive(scale) || !dsp_is_positive(rate_hz) || !dsp_is_positive(f_lo_hz) ||
        !(f_hi_hz >= f_lo_hz) || !(f_hi_hz <= 0.5f * rate_hz)) {
        return DSP_ERR_VALUE;
    }
    int32_t first, last;
    const float bin_hz = rate_hz / (float)n;
    if (!bins_between(f_lo_hz, f_hi_hz, bin_hz, n / 2, &first, &last) || last < 1) {
        return DSP_ERR_BAND;
    }
    first = first < 1 ? 1 : first;  // f_lo / bin_hz may underflow, but is not 0
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(rec, n), DSP_OUT(work, n), DSP_OUT(um, 1));
    const dsp_status status = dsp_rfft_i32(plan, rec, work);
    (void)status;        // all of it was checked
    float total = 0.0f;  // of |Xw[k]|² / k^4, the largest terms last
    for (int32_t k = last; k >= first; k--) {
        const float k2 = (float)k * (float)k;
        total += dsp_hann_power(work, n, k) / (k2 * k2);
    }
    // A_k / (2 pi f_k)², A_k = (4/n) scale/256 |Xw|; 1e6 for um, 3 = 2 ENBW
    const float lsb = scale / (float)(1 << DSP_DECIMATE_FRACTION_BITS);
    const float per_turn = 1.0f / (2.0f * DSP_PI * bin_hz);
    *um = 1e6f * (4.0f / (float)n) * lsb * per_turn * per_turn * dsp_sqrt(total / 3.0f);
    return DSP_OK;
}
