// Decimation by 2, 4, 8 .. 256: a chain of half-band filters with integer taps.
#include "internal.h"

#include "halfband_taps.h"

// Samples go through the whole chain in pieces of this many, stage by stage.
#define PIECE 64
#define SHORT_PAST (4 * HALFBAND_SHORT - 2)
#define LONG_PAST (4 * HALFBAND_LONG - 2)

// A stage's line: the past that its filter reaches, then what of the piece comes to it, up to
// PIECE / 2^j values and one more.
static int32_t line_values(int32_t index, int32_t stages) {
    return (index == stages - 1 ? LONG_PAST : SHORT_PAST) + (PIECE >> index) + 1;
}

size_t dsp_halfband_bytes(int32_t stages) {
    if (stages < 1 || stages > DSP_HALFBAND_STAGES_MAX) {
        return 0;
    }
    int32_t values = 0;
    for (int32_t i = 0; i < stages; i++) {
        values += line_values(i, stages);
    }
    return sizeof(dsp_halfband) + sizeof(int32_t) * (size_t)values;
}

dsp_status dsp_halfband_init(int32_t stages, void *memory, size_t memory_bytes,
                             dsp_halfband **state) {
    const size_t need = dsp_halfband_bytes(stages);
    if (need == 0) {
        return DSP_ERR_SIZE;
    }
    if (((uintptr_t)memory & (sizeof(int32_t) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    if (!memory || memory_bytes < need) {
        return DSP_ERR_SPACE;
    }
    DSP_REQUIRE(DSP_BYTES(memory, need), DSP_OUT(state, 1));
    dsp_halfband *s = memory;
    s->mark = DSP_HALFBAND_MARK;
    s->stages = stages;
    dsp_halfband_reset(s);
    *state = s;
    return DSP_OK;
}

void dsp_halfband_reset(dsp_halfband *s) {
    if (!s) {
        return;
    }
    s->started = 0;
    s->phase = 0;
}

static int is_sane(const dsp_halfband *s) {
    return s->mark == DSP_HALFBAND_MARK && dsp_halfband_bytes(s->stages) != 0 && s->phase >= 0 &&
           s->phase < 1 << s->stages && (s->started == 0 || s->started == 1);
}

dsp_status dsp_halfband_open(void *memory, size_t memory_bytes, dsp_halfband **state) {
    if (((uintptr_t)memory & (sizeof(int32_t) - 1)) != 0) {
        return DSP_ERR_ALIGN;
    }
    dsp_halfband *s = memory;
    if (!s || memory_bytes < sizeof *s || !is_sane(s) ||
        memory_bytes < dsp_halfband_bytes(s->stages)) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_BYTES(memory, dsp_halfband_bytes(s->stages)), DSP_OUT(state, 1));
    *state = s;
    return DSP_OK;
}

// The first value counts as having been there for ever.
static void start(dsp_halfband *s, int32_t value) {
    int32_t *line = s->data;
    for (int32_t i = 0; i < s->stages; i++) {
        const int32_t past = i == s->stages - 1 ? LONG_PAST : SHORT_PAST;
        for (int32_t k = 0; k < past; k++) {
            line[k] = value;
        }
        line += line_values(i, s->stages);
    }
    s->started = 1;
    s->phase = 0;
}

// Middle and pairs at odd distances, of the values that end before `end`. Inlined with constant
// taps, so that they become constants of the program.
DSP_INLINE int32_t output(const int16_t taps[], int32_t pairs, const int32_t *end) {
    const int32_t *middle = end - 2 * pairs;
    int64_t sum = (int64_t)middle[0] * (1 << (HALFBAND_BITS - 1));
    DSP_UNROLL
    for (int32_t i = 0; i < pairs; i++) {
        sum += (int64_t)taps[i] * (middle[-1 - 2 * i] + middle[1 + 2 * i]);
    }
    return (int32_t)((sum + (1 << (HALFBAND_BITS - 1))) >> HALFBAND_BITS);
}

// One stage: every second of the n values behind the line's past completes an output, the first of
// them if `odd`, one, is waiting. The last values become the past. Returns how many outputs.
DSP_INLINE int32_t run(const int16_t taps[], int32_t pairs, int32_t line[], int32_t n, int32_t odd,
                       int32_t out[]) {
    const int32_t past = 4 * pairs - 2;
    int32_t made = 0;
    for (int32_t i = 1 - odd; i < n; i += 2) {
        out[made++] = output(taps, pairs, line + past + i + 1);
    }
    for (int32_t k = 0; k < past; k++) {
        line[k] = line[n + k];
    }
    return made;
}

static DSP_NOINLINE int32_t run_short(int32_t line[], int32_t n, int32_t odd, int32_t out[]) {
    return run(halfband_short, HALFBAND_SHORT, line, n, odd, out);
}

static DSP_NOINLINE int32_t run_long(int32_t line[], int32_t n, int32_t odd, int32_t out[]) {
    return run(halfband_long, HALFBAND_LONG, line, n, odd, out);
}

// A piece of n samples; returns how many outputs. The low bits of the phase say which stages wait.
static int32_t run_chain(dsp_halfband *s, const int16_t x[], int32_t n, int32_t out[]) {
    const int32_t last = s->stages - 1;
    int32_t *line = s->data;
    int32_t *in = line + (last == 0 ? LONG_PAST : SHORT_PAST);
    for (int32_t i = 0; i < n; i++) {
        in[i] = x[i] * (1 << DSP_DECIMATE_FRACTION_BITS);
    }
    int32_t values = n;
    for (int32_t j = 0; j < last; j++) {
        int32_t *next = line + line_values(j, s->stages);
        int32_t *to = next + (j + 1 == last ? LONG_PAST : SHORT_PAST);
        values = run_short(line, values, (s->phase >> j) & 1, to);
        line = next;
    }
    values = run_long(line, values, (s->phase >> last) & 1, out);
    s->phase = (s->phase + n) & ((1 << s->stages) - 1);
    return values;
}

int32_t dsp_halfband_count(const dsp_halfband *s, int32_t n) {
    return s ? (s->phase + n) >> s->stages : 0;
}

dsp_status dsp_halfband_feed(dsp_halfband *s, const int16_t x[], int32_t n, int32_t room,
                             int32_t out[], int32_t *produced) {
    if (n < 0 || n > 0x3fffffff) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_BYTES(s, sizeof *s));
    const int32_t count = dsp_halfband_count(s, n);
    if (room < count) {
        return DSP_ERR_SPACE;
    }
    DSP_REQUIRE(DSP_BYTES(s, dsp_halfband_bytes(s->stages)), DSP_IN(x, n), DSP_OUT(out, count),
                DSP_OUT(produced, 1));
    if (!s->started && n > 0) {
        start(s, x[0] * (1 << DSP_DECIMATE_FRACTION_BITS));
    }
    int32_t made = 0;
    for (int32_t at = 0; at < n; at += PIECE) {
        made += run_chain(s, x + at, n - at < PIECE ? n - at : PIECE, out + made);
    }
    *produced = made;
    return DSP_OK;
}
