// Decimation by 2, 4, 8 .. 256: a chain of half-band filters with integer taps.
#include "internal.h"

#include "halfband_taps.h"

#define SHORT_TAPS (4 * HALFBAND_SHORT - 1)
#define LONG_TAPS (4 * HALFBAND_LONG - 1)
#define LINE(taps) (2 * (taps))

// Lines of past values: one long stage, then the short ones.
typedef struct {
    int32_t *line;
    int32_t pairs;
} stage;

static stage stage_of(dsp_halfband *s, int32_t index) {
    const int last = index == s->stages - 1;
    const stage found = {
        last ? s->data : s->data + LINE(LONG_TAPS) + index * LINE(SHORT_TAPS),
        last ? HALFBAND_LONG : HALFBAND_SHORT,
    };
    return found;
}

size_t dsp_halfband_bytes(int32_t stages) {
    return stages < 1 || stages > DSP_HALFBAND_STAGES_MAX
               ? 0
               : sizeof(dsp_halfband) +
                     sizeof(int32_t) * (size_t)(LINE(LONG_TAPS) + (stages - 1) * LINE(SHORT_TAPS));
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
    for (int32_t i = 0; i < DSP_HALFBAND_STAGES_MAX; i++) {
        s->at[i] = 0;
    }
}

static int is_sane(const dsp_halfband *s) {
    int sane = s->mark == DSP_HALFBAND_MARK && dsp_halfband_bytes(s->stages) != 0 &&
               s->phase >= 0 && s->phase < 1 << s->stages && (s->started == 0 || s->started == 1);
    for (int32_t i = 0; sane && i < s->stages; i++) {
        const int32_t taps = i == s->stages - 1 ? LONG_TAPS : SHORT_TAPS;
        sane = s->at[i] >= (s->started ? taps - 1 : 0) && s->at[i] <= LINE(taps);
    }
    return sane;
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
    for (int32_t i = 0; i < s->stages; i++) {
        const stage g = stage_of(s, i);
        const int32_t past = 4 * g.pairs - 2;
        for (int32_t k = 0; k < past; k++) {
            g.line[k] = value;
        }
        s->at[i] = past;
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

static void append(dsp_halfband *s, int32_t index, const stage *g, int32_t value) {
    const int32_t taps = 4 * g->pairs - 1;
    if (s->at[index] == LINE(taps)) {
        for (int32_t k = 0; k < taps - 1; k++) {
            g->line[k] = g->line[taps + 1 + k];
        }
        s->at[index] = taps - 1;
    }
    g->line[s->at[index]++] = value;
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
    int32_t made = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t value = x[i] * (1 << DSP_DECIMATE_FRACTION_BITS);
        if (!s->started) {
            start(s, value);
        }
        s->phase++;
        // Stage j sees a value whenever the j lowest bits of the count are 0.
        int32_t j = 0;
        for (; j < s->stages && (s->phase & ((1 << j) - 1)) == 0; j++) {
            const stage g = stage_of(s, j);
            append(s, j, &g, value);
            if (((s->phase >> j) & 1) != 0) {
                break;
            }
            const int32_t *end = g.line + s->at[j];
            value = j == s->stages - 1 ? output(halfband_long, HALFBAND_LONG, end)
                                       : output(halfband_short, HALFBAND_SHORT, end);
        }
        if (j == s->stages) {
            out[made++] = value;
            s->phase = 0;
        }
    }
    *produced = made;
    return DSP_OK;
}
