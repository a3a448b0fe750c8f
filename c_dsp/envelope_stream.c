// Squared envelope as it streams: band filter, square, low-pass, a record that spans seconds.
#include "condition.h"

#define MARK 0x44535045u

struct dsp_envelope_stream {
    uint32_t mark;
    int32_t points;  // of the record
    int32_t fill;
    int32_t settle;  // values still to be thrown away
    int32_t factor;  // band outputs per value of the record
    int32_t taps;
    int32_t phase;  // band outputs since the last value
    int32_t at;     // where the next square goes in the line
    float rate_hz;  // of the record
    dsp_band band;
    float data[];  // record [points], low-pass [taps], line [2 taps], band's data
};

// Low-pass of the squares: flat to f_max, 60 dB down from rate - f_max, where aliases fall on it.
static int32_t low_pass_taps(float rate_in_hz, float rate_hz, float f_max_hz) {
    return rate_in_hz > 1.5f * rate_hz
               ? (((int32_t)(3.65f * rate_in_hz / (rate_hz - 2.0f * f_max_hz)) + 7) & ~7) + 1
               : 1;
}

static int shape(const dsp_envelope_setup *setup, dsp_envelope_stream *s) {
    const float f_max_hz = setup->f_max_hz;
    const float skirt_hz = 0.5f * (setup->f_hi_hz - setup->f_lo_hz);
    if (dsp_plan_bytes(setup->points) == 0 ||
        !dsp_band_shape(setup->rate_hz, setup->f_lo_hz, setup->f_hi_hz, skirt_hz, f_max_hz,
                        &s->band)) {
        return 0;
    }
    const float factor = s->band.rate_hz / (2.5f * f_max_hz);
    if (!(factor >= 1.0f && factor < 64.0f)) {
        return 0;
    }
    s->mark = MARK;
    s->points = setup->points;
    s->factor = (int32_t)factor;
    s->rate_hz = s->band.rate_hz / (float)s->factor;
    s->taps = low_pass_taps(s->band.rate_hz, s->rate_hz, f_max_hz);
    return 1;
}

static size_t bytes_of(const dsp_envelope_stream *s) {
    return sizeof(dsp_envelope_stream) + sizeof(float) * (size_t)(s->points + 3 * s->taps) +
           dsp_band_data_bytes(&s->band);
}

size_t dsp_envelope_stream_bytes(const dsp_envelope_setup *setup) {
    dsp_envelope_stream s;
    return setup && shape(setup, &s) ? bytes_of(&s) : 0;
}

static void design_low_pass(float taps[], int32_t count, int32_t factor) {
    const float beta = 5.65f;  // 60 dB
    const float reciprocal = 1.0f / dsp_bessel_i0(beta);
    const uint32_t half_width = dsp_phase(0.5f / (float)factor);  // cut in the middle: rate / 2
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        const int32_t t = i - count / 2;
        float sine, cosine;
        dsp_sincos(half_width * (uint32_t)t, &sine, &cosine);
        const float sinc = t == 0 ? DSP_PI / (float)factor : sine / (float)t;
        taps[i] = sinc * dsp_kaiser_value(beta, (float)(2 * t) / (float)(count + 1), reciprocal);
        sum += taps[i];
    }
    for (int32_t i = 0; i < count; i++) {
        taps[i] /= sum;
    }
}

static int16_t *band_data(dsp_envelope_stream *s) {
    return (int16_t *)(void *)(s->data + s->points + 3 * s->taps);
}

void dsp_envelope_stream_reset(dsp_envelope_stream *s) {
    if (!s) {
        return;
    }
    float *line = s->data + s->points + s->taps;
    for (int32_t i = 0; i < 2 * s->taps; i++) {
        line[i] = 0.0f;
    }
    s->at = s->taps - 1;
    s->fill = 0;
    s->phase = 0;
    s->band.phase = -1;
    // What still sees the start: the filters' lengths, in values of the record.
    const int32_t outputs = s->band.taps / s->band.factor + 1 + s->taps;
    s->settle = outputs / s->factor + 1;
}

dsp_status dsp_envelope_stream_init(const dsp_envelope_setup *setup, void *memory,
                                    size_t memory_bytes, dsp_envelope_stream **state) {
    DSP_REQUIRE(DSP_IN(setup, 1));
    const dsp_status status =
        dsp_memory_status(memory, memory_bytes, dsp_envelope_stream_bytes(setup));
    if (status != DSP_OK) {
        return status;
    }
    DSP_REQUIRE(DSP_IN(setup, 1), DSP_BYTES(memory, dsp_envelope_stream_bytes(setup)),
                DSP_OUT(state, 1));
    dsp_envelope_stream *s = memory;
    shape(setup, s);
    design_low_pass(s->data + s->points, s->taps, s->factor);
    dsp_band_design(&s->band, setup->rate_hz, setup->f_lo_hz, setup->f_hi_hz, band_data(s));
    dsp_envelope_stream_reset(s);
    *state = s;
    return DSP_OK;
}

static int is_sane(const dsp_envelope_stream *s) {
    return s->mark == MARK && dsp_plan_bytes(s->points) != 0 && s->fill >= 0 &&
           s->fill <= s->points && s->settle >= 0 && s->settle < 65536 && s->factor >= 1 &&
           s->factor < 64 && s->taps >= 1 && s->taps < 4096 && (s->taps & 7) == 1 &&
           s->phase >= 0 && s->phase < s->factor && s->at >= s->taps - 1 && s->at < 2 * s->taps &&
           dsp_band_is_sane(&s->band);
}

dsp_status dsp_envelope_stream_open(void *memory, size_t memory_bytes,
                                    dsp_envelope_stream **state) {
    if (((uintptr_t)memory & (sizeof(float) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    dsp_envelope_stream *s = memory;
    if (!s || memory_bytes < sizeof *s || !is_sane(s) || memory_bytes < bytes_of(s)) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_BYTES(memory, bytes_of(s)), DSP_OUT(state, 1));
    *state = s;
    return DSP_OK;
}

float dsp_envelope_stream_bin_hz(const dsp_envelope_stream *s) {
    return s ? s->rate_hz / (float)s->points : 0.0f;
}

int32_t dsp_envelope_stream_span(const dsp_envelope_stream *s) {
    if (!s) {
        return 0;
    }
    const int32_t squares = (s->points - 1) * s->factor + s->taps;
    return (squares - 1) * s->band.factor + s->band.taps;
}

int32_t dsp_envelope_stream_missing(const dsp_envelope_stream *s) {
    return s ? s->points - s->fill : 0;
}

static float filtered(const float taps[], const float line[], int32_t count) {
    // Symmetric, 8 k + 1 of them.
    const float *last = line + count - 1;
    float sum = taps[count / 2] * line[count / 2];
    for (; line < last; line += 4, last -= 4, taps += 4) {
        DSP_UNROLL
        for (int32_t i = 0; i < 4; i++) {
            sum += taps[i] * (line[i] + last[-i]);
        }
    }
    return sum;
}

static void add_square(dsp_envelope_stream *s, float square) {
    const float *taps = s->data + s->points;
    float *line = s->data + s->points + s->taps;
    const int32_t past = s->taps - 1;
    line[s->at++] = square;
    if (++s->phase == s->factor) {
        s->phase = 0;
        if (s->settle > 0) {
            s->settle--;
        } else {
            s->data[s->fill++] = filtered(taps, line + s->at - s->taps, s->taps);
        }
    }
    if (s->at == 2 * s->taps) {
        for (int32_t i = 0; i < past; i++) {
            line[i] = line[s->taps + 1 + i];
        }
        s->at = past;
    }
}

dsp_status dsp_envelope_stream_feed(dsp_envelope_stream *s, const int16_t x[], int32_t n,
                                    int32_t *used) {
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
            add_square(s, z[0] * z[0] + z[1] * z[1]);
            taken = s->fill == s->points ? last + 1 : n;
        }
        dsp_band_advance(&s->band, data, x, taken);
    }
    *used = taken;
    return DSP_OK;
}

// Sums of 64, as in dsp_envelope; bin 0 is cleared afterwards.
static void remove_mean(float e[], int32_t m) {
    float total = 0.0f;
    for (int32_t first = 0; first < m; first += 64) {
        float block = 0.0f;
        for (int32_t i = first; i < first + 64; i++) {
            block += e[i];
        }
        total += block;
    }
    const float mean = total / (float)m;
    for (int32_t i = 0; i < m; i++) {
        e[i] -= mean;
    }
}

dsp_status dsp_envelope_stream_spectrum(dsp_envelope_stream *s, const dsp_plan *plan, float scale,
                                        int32_t bins, float work[], float amp[]) {
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    if (plan->n != s->points || s->fill != s->points) {
        return DSP_ERR_SIZE;
    }
    if (bins < 1 || bins > s->points / 2) {
        return DSP_ERR_BAND;
    }
    if (!dsp_is_positive(scale)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_BYTES(s, bytes_of(s)), DSP_OUT(work, s->points),
                DSP_OUT(amp, amp == work ? 0 : bins));
    remove_mean(s->data, s->points);
    const dsp_source source = {DSP_FROM_F32, s->data, 0, 1, s->points};
    dsp_transform(plan, &source, work);
    work[0] = 0.0f;
    // The band's samples are half the analytic signal; 2 / sum(w) = 4 / points.
    const float gain = 4.0f * scale * scale * 4.0f / (float)s->points;
    dsp_hann_amplitude(work, s->points, bins, gain, amp);
    s->fill = 0;
    return DSP_OK;
}
