// A band of the spectrum with fine bins: band filter, decimation, complex transform.
#include "condition.h"

#define MARK 0x4453505au

struct dsp_zoom {
    uint32_t mark;
    int32_t points;
    int32_t fill;
    int32_t settle;
    int32_t first;  // bin of the first output, counted from 0 Hz
    int32_t bins;
    float bin_hz;
    dsp_band band;
    float data[];  // record: real parts [points], imaginary parts [points]; band's data
};

static int shape(const dsp_zoom_setup *setup, dsp_zoom *s) {
    const float width = setup->f_hi_hz - setup->f_lo_hz;
    const float skirt = 0.5f * width;
    if (dsp_plan_bytes(setup->points) == 0 || !(width > 0.0f) ||
        !dsp_band_shape(setup->rate_hz, setup->f_lo_hz - 0.5f * skirt,
                        setup->f_hi_hz + 0.5f * skirt, skirt, 0.01f * width, &s->band)) {
        return 0;
    }
    s->mark = MARK;
    s->points = setup->points;
    s->bin_hz = s->band.rate_hz / (float)setup->points;
    const float lo = setup->f_lo_hz / s->bin_hz;
    s->first = (int32_t)lo < lo ? (int32_t)lo + 1 : (int32_t)lo;
    s->bins = (int32_t)(setup->f_hi_hz / s->bin_hz) - s->first + 1;
    return s->bins >= 1 && s->bins <= s->points;
}

static size_t bytes_of(const dsp_zoom *s) {
    return sizeof(dsp_zoom) + sizeof(float) * 2 * (size_t)s->points + dsp_band_data_bytes(&s->band);
}

size_t dsp_zoom_bytes(const dsp_zoom_setup *setup) {
    dsp_zoom s;
    return setup && shape(setup, &s) ? bytes_of(&s) : 0;
}

static int16_t *band_data(dsp_zoom *s) {
    return (int16_t *)(void *)(s->data + 2 * s->points);
}

void dsp_zoom_reset(dsp_zoom *s) {
    if (!s) {
        return;
    }
    s->fill = 0;
    s->band.phase = -1;
    s->settle = s->band.taps / s->band.factor + 1;
}

dsp_status dsp_zoom_init(const dsp_zoom_setup *setup, void *memory, size_t memory_bytes,
                         dsp_zoom **state) {
    DSP_REQUIRE(DSP_IN(setup, 1));
    const dsp_status status = dsp_memory_status(memory, memory_bytes, dsp_zoom_bytes(setup));
    if (status != DSP_OK) {
        return status;
    }
    DSP_REQUIRE(DSP_IN(setup, 1), DSP_BYTES(memory, dsp_zoom_bytes(setup)), DSP_OUT(state, 1));
    dsp_zoom *s = memory;
    shape(setup, s);
    const float beyond = 0.25f * (setup->f_hi_hz - setup->f_lo_hz);
    dsp_band_design(&s->band, setup->rate_hz, setup->f_lo_hz - beyond, setup->f_hi_hz + beyond,
                    band_data(s));
    dsp_zoom_reset(s);
    *state = s;
    return DSP_OK;
}

static int is_sane(const dsp_zoom *s) {
    return s->mark == MARK && dsp_plan_bytes(s->points) != 0 && s->fill >= 0 &&
           s->fill <= s->points && s->settle >= 0 && s->settle < 65536 && s->first >= 0 &&
           s->bins >= 1 && s->bins <= s->points && dsp_band_is_sane(&s->band);
}

dsp_status dsp_zoom_open(void *memory, size_t memory_bytes, dsp_zoom **state) {
    if (((uintptr_t)memory & (sizeof(float) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    dsp_zoom *s = memory;
    if (!s || memory_bytes < sizeof *s || !is_sane(s) || memory_bytes < bytes_of(s)) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_BYTES(memory, bytes_of(s)), DSP_OUT(state, 1));
    *state = s;
    return DSP_OK;
}

int32_t dsp_zoom_missing(const dsp_zoom *s) {
    return s ? s->points - s->fill : 0;
}

int32_t dsp_zoom_bins(const dsp_zoom *s) {
    return s ? s->bins : 0;
}

float dsp_zoom_first_hz(const dsp_zoom *s) {
    return s ? (float)s->first * s->bin_hz : 0.0f;
}

float dsp_zoom_bin_hz(const dsp_zoom *s) {
    return s ? s->bin_hz : 0.0f;
}

static void add_value(dsp_zoom *s, const float z[2]) {
    if (s->settle > 0) {
        s->settle--;
        return;
    }
    s->data[s->fill] = z[0];
    s->data[s->points + s->fill] = z[1];
    s->fill++;
}

dsp_status dsp_zoom_feed(dsp_zoom *s, const int16_t x[], int32_t n, int32_t *used) {
    if (n < 0 || n > 0x3fffffff) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    DSP_REQUIRE(DSP_BYTES(s, bytes_of(s)), DSP_IN(x, n), DSP_OUT(used, 1));
    int32_t taken = 0;
    if (n > 0 && s->fill < s->points) {
        int16_t *data = band_data(s);
        dsp_band_begin(&s->band, data, x[0]);
        taken = n;
        for (int32_t last = dsp_band_first(&s->band); last < taken; last += s->band.factor) {
            float z[2];
            dsp_band_output(&s->band, data, x, last, z);
            add_value(s, z);
            taken = s->fill == s->points ? last + 1 : n;
        }
        dsp_band_advance(&s->band, data, x, taken);
    }
    *used = taken;
    return DSP_OK;
}

// Z[k] = U[k] + i V[k] for 0 <= k < m, from the half-complex U and V of two real transforms.
static void bin_at(const float u[], const float v[], int32_t m, int32_t k, float *re, float *im) {
    const int32_t j = k <= m / 2 ? k : m - k;
    const float sign = k <= m / 2 ? 1.0f : -1.0f;
    const int real = j == 0 || j == m / 2;
    const float u_im = real ? 0.0f : sign * u[m - j];
    const float v_im = real ? 0.0f : sign * v[m - j];
    *re = u[j] - v_im;
    *im = u_im + v[j];
}

dsp_status dsp_zoom_spectrum(dsp_zoom *s, const dsp_plan *plan, float scale, float work[],
                             float amp[]) {
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    if (plan->n != s->points || s->fill != s->points) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(scale)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_BYTES(s, bytes_of(s)), DSP_OUT(work, 2 * s->points),
                DSP_OUT(amp, amp == work ? 0 : s->bins));
    const int32_t m = s->points;
    float *u = work;
    float *v = work + m;
    const dsp_source re = {DSP_FROM_F32, s->data, 0, 1, m};
    const dsp_source im = {DSP_FROM_F32, s->data + m, 0, 1, m};
    dsp_transform(plan, &re, u);
    dsp_transform(plan, &im, v);
    const float gain = scale * 4.0f / (float)m;  // half the analytic signal; 2 / m = 1 / sum(w)
    for (int32_t i = 0; i < s->bins; i++) {
        const int32_t k = (s->first + i) & (m - 1);
        float re_k, im_k, re_lo, im_lo, re_hi, im_hi;
        bin_at(u, v, m, k, &re_k, &im_k);
        bin_at(u, v, m, (k + m - 1) & (m - 1), &re_lo, &im_lo);
        bin_at(u, v, m, (k + 1) & (m - 1), &re_hi, &im_hi);
        const float re_w = 0.5f * re_k - 0.25f * (re_lo + re_hi);
        const float im_w = 0.5f * im_k - 0.25f * (im_lo + im_hi);
        amp[i] = gain * dsp_sqrt(re_w * re_w + im_w * im_w);
    }
    s->fill = 0;
    return DSP_OK;
}
