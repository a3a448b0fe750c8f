// Gas index of an MOX sensor's raw ticks: learns the usual level and spread, maps the rest on 1..500.
//
// Mean and spread are exponential averages whose speed falls once from a start value to a slow one,
// and which stand still ("gating") while the index is high. The index is a sigmoid of the normalised
// distance from the mean, smoothed by a low-pass that is fast when something happens.
// Source: Sensirion, Gas Index Algorithm (published under BSD-3-Clause), whose constants these are.
#include "condition.h"

#define GAMMA 64.0f        // scale of the averages' speeds
#define GAMMA_MEAN 512.0f  // 8 times that, for the mean
#define UPTIME_MAX 32767.0f
#define BLACKOUT_S 45.0f
#define GATE_AT_START 510.0f
#define STD_LIMIT 1440.0f

typedef struct {
    float sraw_min;
    float init_mean_tau_s, init_mean_s, init_variance_s;
    float gate, sigmoid_x0, sigmoid_k, offset;
} constants;

static const constants voc = {20000.0f, 20.0f, 2700.0f, 5220.0f, 340.0f, 213.0f, -0.0065f, 100.0f};
static const constants nox = {10000.0f, 1200.0f, 17100.0f, 20520.0f, 30.0f, 614.0f, -0.0101f, 1.0f};

static float exponential(float x) {
    return dsp_exp2(1.44269504f * x);
}

static float sigmoid(float x, float x0, float k) {
    const float z = k * (x - x0);
    return z < -50.0f ? 1.0f : z > 50.0f ? 0.0f : 1.0f / (1.0f + exponential(z));
}

dsp_status dsp_gas_init(int32_t gas, float interval_s, const dsp_gas_tuning *tuning,
                        dsp_gas *state) {
    if (gas != DSP_GAS_VOC && gas != DSP_GAS_NOX) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(tuning, tuning ? 1 : 0), DSP_OUT(state, 1));
    const float shut_max = gas == DSP_GAS_NOX ? 720.0f : 180.0f;
    const dsp_gas_tuning usual = {
        gas == DSP_GAS_NOX ? 1.0f : 100.0f, 12.0f, 12.0f, shut_max, 50.0f, 230.0f};
    const dsp_gas_tuning t = tuning ? *tuning : usual;
    if (!(interval_s >= 0.1f && interval_s <= 60.0f) ||
        !(t.index_offset >= 1.0f && t.index_offset <= 250.0f) ||
        !(t.learning_offset_h >= 1.0f && t.learning_offset_h <= 1000.0f) ||
        !(t.learning_gain_h >= 1.0f && t.learning_gain_h <= 1000.0f) ||
        !(t.gating_max_min >= 0.0f && t.gating_max_min <= 3000.0f) ||
        !(t.std_initial >= 10.0f && t.std_initial <= 5000.0f) ||
        !(t.gain >= 1.0f && t.gain <= 1000.0f)) {
        return DSP_ERR_VALUE;
    }
    dsp_clear(state, sizeof *state);
    state->gas = gas;
    state->interval_s = interval_s;
    state->tuning = t;
    state->std = t.std_initial;
    state->model_std = t.std_initial;
    return DSP_OK;
}

// Speeds of the two averages now, with the gate's clock moved on.
static void speeds(dsp_gas *s, const constants *c, float *mean_speed, float *variance_speed) {
    const float step = s->interval_s;
    const float hours = step / 3600.0f;
    const float slow_mean = GAMMA_MEAN * hours / (s->tuning.learning_offset_h + hours);
    const float slow_variance = GAMMA * hours / (s->tuning.learning_gain_h + hours);
    const float start_mean = GAMMA_MEAN * step / (c->init_mean_tau_s + step);
    const float start_variance = GAMMA * step / (2500.0f + step);
    s->learning_s += s->learning_s < UPTIME_MAX - step ? step : 0.0f;
    s->open_s += s->open_s < UPTIME_MAX - step ? step : 0.0f;

    const float young_mean = sigmoid(s->learning_s, c->init_mean_s, 0.01f);
    const float gate_mean =
        c->gate + (GATE_AT_START - c->gate) * sigmoid(s->open_s, c->init_mean_s, 0.01f);
    const float open_mean = sigmoid(s->index, gate_mean, 0.09f);
    *mean_speed = open_mean * (slow_mean + (start_mean - slow_mean) * young_mean);

    const float young_variance = sigmoid(s->learning_s, c->init_variance_s, 0.01f);
    const float gate_variance =
        c->gate + (GATE_AT_START - c->gate) * sigmoid(s->open_s, c->init_variance_s, 0.01f);
    const float open_variance = sigmoid(s->index, gate_variance, 0.09f);
    *variance_speed = open_variance * (slow_variance + (start_variance - slow_variance) *
                                                           (young_variance - young_mean));

    // A gate shut for too long opens again: shut time runs at 1, open time runs it back at 0.3.
    s->shut_min += step / 60.0f * ((1.0f - open_mean) * 1.3f - 0.3f);
    s->shut_min = s->shut_min < 0.0f ? 0.0f : s->shut_min;
    if (s->shut_min > s->tuning.gating_max_min) {
        s->open_s = 0.0f;
    }
}

static void learn(dsp_gas *s, const constants *c) {
    if (!s->learning) {
        s->learning = 1;
        s->base = s->sraw;
        s->mean = 0.0f;
    } else {
        // The mean is kept near 0 and its bulk in `base`: small steps keep their digits.
        if (s->mean >= 100.0f || s->mean <= -100.0f) {
            s->base += s->mean;
            s->mean = 0.0f;
        }
        float mean_speed, variance_speed;
        speeds(s, c, &mean_speed, &variance_speed);
        const float delta = (s->sraw - s->base - s->mean) / GAMMA;
        const float size = s->std + (delta < 0.0f ? -delta : delta);
        const float scale = size > STD_LIMIT ? (size / STD_LIMIT) * (size / STD_LIMIT) : 1.0f;
        const float kept = s->std * (s->std / (GAMMA * scale));
        const float added = variance_speed * delta / scale * delta;
        s->std = dsp_sqrt(scale * (GAMMA - variance_speed)) * dsp_sqrt(kept + added);
        s->mean += mean_speed * delta / 8.0f;
    }
    s->model_std = s->std;
    s->model_mean = s->mean + s->base;
}

static float raw_index(const dsp_gas *s, const constants *c) {
    const float spread = s->gas == DSP_GAS_NOX ? 2000.0f : -(s->model_std + 220.0f);
    const float offset = s->tuning.index_offset;
    const float x = (s->sraw - s->model_mean) / spread * s->tuning.gain;
    const float z = c->sigmoid_k * (x - c->sigmoid_x0);
    if (z < -50.0f || z > 50.0f) {
        return z < 0.0f ? 500.0f : 0.0f;
    }
    const float part = 1.0f / (1.0f + exponential(z));
    if (x < 0.0f) {
        return offset / c->offset * (500.0f * part);
    }
    const float shift =
        s->gas == DSP_GAS_NOX ? 500.0f / 499.0f * (1.0f - offset) : (500.0f - 5.0f * offset) / 4.0f;
    return (500.0f + shift) * part - shift;
}

static float smoothed(dsp_gas *s, float x) {
    const float step = s->interval_s;
    if (!s->smoothing) {
        s->smoothing = 1;
        s->fast = s->slow = s->smooth = x;
    }
    const float a_fast = step / (20.0f + step);
    const float a_slow = step / (500.0f + step);
    s->fast = (1.0f - a_fast) * s->fast + a_fast * x;
    s->slow = (1.0f - a_slow) * s->slow + a_slow * x;
    const float apart = s->fast < s->slow ? s->slow - s->fast : s->fast - s->slow;
    const float tau_s = 480.0f * exponential(-0.2f * apart) + 20.0f;
    const float a = step / (step + tau_s);
    s->smooth = (1.0f - a) * s->smooth + a * x;
    return s->smooth;
}

dsp_status dsp_gas_process(dsp_gas *s, int32_t sraw, int32_t *index) {
    DSP_REQUIRE(DSP_OUT(s, 1), DSP_OUT(index, 1));
    if ((s->gas != DSP_GAS_VOC && s->gas != DSP_GAS_NOX) || !(s->interval_s >= 0.1f)) {
        return DSP_ERR_VALUE;
    }
    const constants *c = s->gas == DSP_GAS_NOX ? &nox : &voc;
    if (s->uptime_s <= BLACKOUT_S) {
        s->uptime_s += s->interval_s;
    } else {
        if (sraw > 0 && sraw < 65000) {
            const float above = (float)sraw - c->sraw_min;
            s->sraw = above < 1.0f ? 1.0f : above > 32767.0f ? 32767.0f : above;
        }
        const int ready = s->gas == DSP_GAS_VOC || s->learning;
        s->index = smoothed(s, ready ? raw_index(s, c) : s->tuning.index_offset);
        s->index = s->index < 0.5f ? 0.5f : s->index;
        if (s->sraw > 0.0f) {
            learn(s, c);
        }
    }
    *index = s->index >= 0.0f && s->index < 1000.0f ? (int32_t)(s->index + 0.5f) : 0;
    return DSP_OK;
}
