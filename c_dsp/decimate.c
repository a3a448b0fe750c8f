// Decimation by 8 with an integer FIR.
#include "dual.h"

#include "decimate_taps.h"

#define PAST (DSP_DECIMATE_TAPS - 1)
#define SHIFT (DECIMATE_TAPS_BITS - DSP_DECIMATE_FRACTION_BITS)

void dsp_decimate_reset(dsp_decimator *state) {
    if (!state) {
        return;
    }
    state->phase = -1;
    for (int32_t i = 0; i < PAST; i++) {
        state->history[i] = 0;
    }
}

static int32_t phase_of(const dsp_decimator *state) {
    return state->phase < 0 ? 0 : state->phase;
}

int32_t dsp_decimate_count(const dsp_decimator *state, int32_t n) {
    return state ? (phase_of(state) + n) / DSP_DECIMATE_FACTOR : 0;
}

static int64_t dot(const int16_t taps[], const int16_t x[], int32_t n) {
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)taps[i] * x[i];
    }
    return sum;
}

// All taps on x[0..TAPS-1].
#if DSP_DUAL
static int64_t all_taps(const int16_t x[]) {
    int64_t sum = (int32_t)decimate_taps[PAST] * x[PAST];
    DSP_UNROLL
    for (int32_t i = 0; i < PAST; i += 2) {
        sum = __smlald(dsp_pair(decimate_taps + i), dsp_pair(x + i), sum);
    }
    return sum;
}
#else
// They are symmetric, so each multiplies a sum of two samples, which stays below 2^31 with the
// largest tap (16240).
static int64_t all_taps(const int16_t x[]) {
    const int16_t *end = x + PAST;
    int64_t sum = (int64_t)decimate_taps[PAST / 2] * x[PAST / 2];
    DSP_UNROLL
    for (int32_t i = 0; i < PAST / 2; i++) {
        sum += (int32_t)decimate_taps[i] * (x[i] + end[-i]);
    }
    return sum;
}
#endif

// Output at input index `last`; what lies before x[0] is in the history.
static int32_t output_at(const int16_t history[], const int16_t x[], int32_t last) {
    const int32_t old = last < PAST ? PAST - last : 0;
    const int64_t sum = old == 0 ? all_taps(x + (last - PAST))
                                 : dot(decimate_taps, history + PAST - old, old) +
                                       dot(decimate_taps + old, x, DSP_DECIMATE_TAPS - old);
    return (int32_t)((sum + (1 << (SHIFT - 1))) >> SHIFT);
}

static void remember(int16_t history[], const int16_t x[], int32_t n) {
    const int32_t kept = n < PAST ? PAST - n : 0;
    for (int32_t i = 0; i < kept; i++) {
        history[i] = history[n + i];
    }
    for (int32_t i = kept; i < PAST; i++) {
        history[i] = x[n - PAST + i];
    }
}

dsp_status dsp_decimate(dsp_decimator *state, const int16_t x[], int32_t n, int32_t room,
                        int32_t out[], int32_t *produced) {
    if (n < 0) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_OUT(state, 1));
    if (state->phase < -1 || state->phase >= DSP_DECIMATE_FACTOR) {
        return DSP_ERR_VALUE;
    }
    const int32_t count = dsp_decimate_count(state, n);
    if (room < count) {
        return DSP_ERR_SPACE;
    }
    DSP_REQUIRE(DSP_OUT(state, 1), DSP_IN(x, n), DSP_OUT(out, count), DSP_OUT(produced, 1));
    if (state->phase < 0 && n > 0) {
        state->phase = 0;
        for (int32_t i = 0; i < PAST; i++) {
            state->history[i] = x[0];
        }
    }
    const int32_t first = DSP_DECIMATE_FACTOR - 1 - phase_of(state);
    for (int32_t i = 0; i < count; i++) {
        out[i] = output_at(state->history, x, first + i * DSP_DECIMATE_FACTOR);
    }
    if (n > 0) {
        state->phase = (state->phase + n) % DSP_DECIMATE_FACTOR;
        remember(state->history, x, n);
    }
    *produced = count;
    return DSP_OK;
}
