// Velocity and displacement as they stream: equalise, high-pass, integrate.
//
// Two state-variable sections in trapezoidal form make a Butterworth high-pass of order 4. Of
// section 2, the band-pass output is the high-pass output integrated once and the low-pass output is
// it integrated twice, in units of its corner: no integrator of its own, nothing that drifts.
// Source: Zavalishin, The Art of VA Filter Design, ch. 4 (trapezoidal state-variable filter).
#include "condition.h"

#include "motion_taps.h"

#define HALF (DSP_MOTION_TAPS / 2)
#define CORNER 0.5f       // corner = CORNER * f_lo: 0.2 % low at f_lo
#define K1 1.8477590650f  // 1/Q of the two Butterworth sections
#define K2 0.7653668647f

dsp_status dsp_motion_init(float rate_hz, float f_lo_hz, float scale, dsp_motion *state) {
    if (!dsp_is_positive(rate_hz) || !dsp_is_positive(scale) || !dsp_is_positive(f_lo_hz) ||
        !(f_lo_hz <= 0.05f * rate_hz) || !(f_lo_hz >= 1e-4f * rate_hz)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(state, 1));
    dsp_clear(state, sizeof *state);
    float sine, cosine;
    dsp_sincos(dsp_phase(0.5f * CORNER * f_lo_hz / rate_hz), &sine, &cosine);
    const float g = sine / cosine;
    state->g = g;
    state->norm[0] = 1.0f / (1.0f + g * (g + K1));
    state->norm[1] = 1.0f / (1.0f + g * (g + K2));
    const float lsb = scale / (float)(1 << DSP_DECIMATE_FRACTION_BITS);
    const float step = 0.5f / (rate_hz * state->g);  // T / 2g: one integration, in seconds
    state->to_mm_s = 1e3f * lsb * step;
    state->to_um = 1e6f * lsb * step * step;
    state->settle = (int32_t)(DSP_MOTION_SETTLE_PERIODS * rate_hz / f_lo_hz);
    state->waiting = -1;
    return DSP_OK;
}

static void clear_figures(dsp_motion *s) {
    s->count = 0;
    s->part = 0;
    s->sum_v = s->sum_d = s->part_v = s->part_d = s->peak_v = 0.0f;
    s->min_d = 3.4028234e38f;
    s->max_d = -3.4028234e38f;
}

static void start(dsp_motion *s, int32_t first) {
    s->offset = first;
    s->waiting = s->settle;
    s->at = 0;
    for (int32_t i = 0; i < 2 * DSP_MOTION_TAPS; i++) {
        s->line[i] = 0.0f;
    }
    for (int32_t i = 0; i < 4; i++) {
        s->held[i] = 0.0f;
    }
    s->last_d[0] = s->last_d[1] = 0.0f;
    clear_figures(s);
}

// The line holds every value twice, DSP_MOTION_TAPS apart: the last TAPS always lie in one piece.
static float equalised(dsp_motion *s, float a) {
    s->line[s->at] = a;
    s->line[s->at + DSP_MOTION_TAPS] = a;
    s->at = s->at + 1 == DSP_MOTION_TAPS ? 0 : s->at + 1;
    const float *middle = s->line + s->at + HALF;
    float sum = motion_taps[0] * middle[0];
    DSP_UNROLL
    for (int32_t i = 1; i <= HALF; i++) {
        sum += motion_taps[i] * (middle[-i] + middle[i]);
    }
    return sum;
}

// Section with 1/Q = k, norm = 1 / (1 + g (g + k)): out[0] high-pass, out[1] band-pass, out[2] low-pass.
static void section(float g, float k, float norm, float in, float held[2], float out[3]) {
    out[0] = (in - (g + k) * held[0] - held[1]) * norm;
    const float v1 = g * out[0];
    out[1] = v1 + held[0];
    held[0] = out[1] + v1;
    const float v2 = g * out[1];
    out[2] = v2 + held[1];
    held[1] = out[2] + v2;
}

static void gather(dsp_motion *s, float v, float d) {
    const float magnitude = v < 0.0f ? -v : v;
    s->peak_v = magnitude > s->peak_v ? magnitude : s->peak_v;
    s->min_d = d < s->min_d ? d : s->min_d;
    s->max_d = d > s->max_d ? d : s->max_d;
    s->part_v += v * v;
    s->part_d += d * d;
    s->count++;
    if (++s->part == 64) {
        s->sum_v += s->part_v;
        s->sum_d += s->part_d;
        s->part_v = s->part_d = 0.0f;
        s->part = 0;
    }
}

dsp_status dsp_motion_feed(dsp_motion *s, const int32_t rec[], int32_t n, float velocity[],
                           float displacement[]) {
    if (n < 0) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_OUT(s, 1), DSP_IN(rec, n), DSP_OUT(velocity, velocity ? n : 0),
                DSP_OUT(displacement, displacement ? n : 0));
    if (!dsp_is_positive(s->g) || s->waiting < -1 || s->at < 0 || s->at >= DSP_MOTION_TAPS ||
        s->count < 0 || s->count > 0x3fffffff || s->part < 0 || s->part > 63) {
        return DSP_ERR_VALUE;
    }
    if (s->waiting < 0 && n > 0) {
        start(s, rec[0]);
    }
    for (int32_t i = 0; i < n; i++) {
        float first[3], second[3];
        // Unsigned: far from the first value the difference may wrap, but is defined.
        const float a = (float)(int32_t)((uint32_t)rec[i] - (uint32_t)s->offset);
        section(s->g, K1, s->norm[0], equalised(s, a), s->held, first);
        section(s->g, K2, s->norm[1], first[0], s->held + 2, second);
        const float v = second[1] * s->to_mm_s;
        // The second integration again reads x / tan(x) = 1 - x²/3 low: (-1, 14, -1)/12 mends it.
        const float mended =
            (14.0f * s->last_d[0] - s->last_d[1] - second[2]) * (1.0f / 12.0f) * s->to_um;
        s->last_d[1] = s->last_d[0];
        s->last_d[0] = second[2];
        if (s->waiting > 0) {
            s->waiting--;
        } else {
            gather(s, v, mended);
        }
        if (velocity) {
            velocity[i] = v;
        }
        if (displacement) {
            displacement[i] = mended;
        }
    }
    return DSP_OK;
}

dsp_status dsp_motion_read(dsp_motion *s, dsp_motion_set *out) {
    DSP_REQUIRE(DSP_OUT(s, 1), DSP_OUT(out, 1));
    if (s->count < 1) {
        return DSP_ERR_SIZE;
    }
    const float count = (float)s->count;
    out->count = s->count;
    out->velocity_rms = dsp_sqrt((s->sum_v + s->part_v) / count);
    out->velocity_peak = s->peak_v;
    out->displacement_rms = dsp_sqrt((s->sum_d + s->part_d) / count);
    out->displacement_peak_to_peak = s->max_d - s->min_d;
    clear_figures(s);
    return DSP_OK;
}
