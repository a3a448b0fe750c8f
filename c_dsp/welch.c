// Power spectral density by Welch's method, as samples stream in.
#include "condition.h"

#define MARK 0x44535057u

struct dsp_welch {
    uint32_t mark;
    int32_t n;
    int32_t hop;
    int32_t window;
    int32_t fill;
    int32_t segments;
    float power[];  // n/2 + 1 sums of |Xw|², then n int16 samples
};

static int16_t *samples_of(dsp_welch *s) {
    return (int16_t *)(void *)(s->power + s->n / 2 + 1);
}

size_t dsp_welch_bytes(int32_t n) {
    return dsp_plan_bytes(n) == 0 ? 0
                                  : sizeof(dsp_welch) + sizeof(float) * (size_t)(n / 2 + 1) +
                                        sizeof(int16_t) * (size_t)n;
}

void dsp_welch_reset(dsp_welch *s) {
    if (!s) {
        return;
    }
    s->fill = 0;
    s->segments = 0;
    for (int32_t k = 0; k <= s->n / 2; k++) {
        s->power[k] = 0.0f;
    }
}

dsp_status dsp_welch_init(int32_t n, int32_t overlap, int32_t window, void *memory,
                          size_t memory_bytes, dsp_welch **state) {
    if (dsp_plan_bytes(n) == 0 || overlap < 0 || overlap >= n) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_window(window)) {
        return DSP_ERR_VALUE;
    }
    const dsp_status status = dsp_memory_status(memory, memory_bytes, dsp_welch_bytes(n));
    if (status != DSP_OK) {
        return status;
    }
    DSP_REQUIRE(DSP_BYTES(memory, dsp_welch_bytes(n)), DSP_OUT(state, 1));
    dsp_welch *s = memory;
    s->mark = MARK;
    s->n = n;
    s->hop = n - overlap;
    s->window = window;
    dsp_welch_reset(s);
    *state = s;
    return DSP_OK;
}

static int is_sane(const dsp_welch *s) {
    return s->mark == MARK && dsp_plan_bytes(s->n) != 0 && s->hop >= 1 && s->hop <= s->n &&
           dsp_is_window(s->window) && s->fill >= 0 && s->fill < s->n && s->segments >= 0;
}

dsp_status dsp_welch_open(void *memory, size_t memory_bytes, dsp_welch **state) {
    if (((uintptr_t)memory & (sizeof(float) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    dsp_welch *s = memory;
    if (!s || memory_bytes < sizeof *s || !is_sane(s) || memory_bytes < dsp_welch_bytes(s->n)) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_BYTES(memory, dsp_welch_bytes(s->n)), DSP_OUT(state, 1));
    *state = s;
    return DSP_OK;
}

static void add_segment(dsp_welch *s, const dsp_plan *plan, float work[]) {
    int16_t *samples = samples_of(s);
    const int32_t n = s->n;
    const dsp_status status = dsp_rfft_i16(plan, samples, work);
    (void)status;  // the plan was checked
    for (int32_t k = 0; k <= n / 2; k++) {
        s->power[k] += dsp_window_power(work, n, s->window, k);
    }
    s->segments++;
    for (int32_t i = s->hop; i < n; i++) {
        samples[i - s->hop] = samples[i];
    }
    s->fill = n - s->hop;
}

dsp_status dsp_welch_feed(dsp_welch *s, const dsp_plan *plan, const int16_t x[], int32_t count,
                          float work[]) {
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    if (dsp_plan_n(plan) == 0 || plan->n != s->n) {
        return DSP_ERR_PLAN;
    }
    if (count < 0) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_BYTES(s, dsp_welch_bytes(s->n)), DSP_IN(x, count),
                DSP_OUT(work, s->n));
    int16_t *samples = samples_of(s);
    for (int32_t i = 0; i < count; i++) {
        samples[s->fill++] = x[i];
        if (s->fill == s->n) {
            add_segment(s, plan, work);
        }
    }
    return DSP_OK;
}

int32_t dsp_welch_segments(const dsp_welch *s) {
    return s ? s->segments : 0;
}

int32_t dsp_welch_n(const dsp_welch *s) {
    return s ? s->n : 0;
}

dsp_status dsp_welch_psd(const dsp_welch *s, float scale, float rate_hz, float psd[]) {
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    if (s->segments < 1) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(scale) || !dsp_is_positive(rate_hz)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_BYTES(s, dsp_welch_bytes(s->n)), DSP_OUT(psd, s->n / 2 + 1));
    const int32_t n = s->n;
    const float squares = (float)n * dsp_window_mean_square(s->window);
    const float gain = 2.0f * scale * scale / (rate_hz * squares * (float)s->segments);
    for (int32_t k = 0; k <= n / 2; k++) {
        psd[k] = gain * s->power[k];
    }
    psd[0] *= 0.5f;
    psd[n / 2] *= 0.5f;
    return DSP_OK;
}
