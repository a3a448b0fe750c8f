// Every public function of the core with arbitrary sizes and bytes, for libFuzzer or for main below.
//
// Each array is its own block of exactly the length that dsp.h asks for, so that the address
// sanitizer sees one element too many. Lengths that a function must refuse come with no array.
#include <stdlib.h>
#include <string.h>

#include "../dsp.h"

#define BLOCKS_MAX 64
#define LENGTH_MAX 20000

typedef struct {
    const uint8_t *at, *end;
    void *blocks[BLOCKS_MAX];
    int count;
} input;

// ---- what an input says ------------------------------------------------------------------------

static void bytes(input *in, void *to, size_t n) {
    const size_t left = (size_t)(in->end - in->at), taken = left < n ? left : n;
    memset(to, 0, n);
    memcpy(to, in->at, taken);
    in->at += taken;
}

static uint32_t word(input *in) {
    uint32_t w;
    bytes(in, &w, sizeof w);
    return w;
}

static uint32_t byte(input *in) {
    uint8_t b;
    bytes(in, &b, 1);
    return b;
}

static int32_t length(input *in) {
    static const int32_t edges[] = {INT32_MIN, -1, 0, 1, 2, 3, 65535, 65536, 1 << 24, INT32_MAX};
    const uint32_t kind = byte(in);
    return kind < 16   ? edges[kind % 10]
           : kind < 64 ? (int32_t)word(in)
           : kind < 96 ? (int32_t)(word(in) % 64)
                       : (int32_t)(word(in) % LENGTH_MAX);
}

static int32_t short_length(input *in) {
    const int32_t n = length(in);
    return n > LENGTH_MAX ? n % LENGTH_MAX : n;
}

static int32_t size(input *in) {
    const uint32_t kind = byte(in);
    return kind < 32 ? length(in) : 256 << (kind % (kind < 224 ? 3 : 7));
}

static float number(input *in) {
    static const float usual[] = {0.0f,     -0.0f, 1.0f,  -1.0f,   0.01f,   10.0f,
                                  26667.0f, 50.0f, 0.25f, 1000.0f, 4000.0f, 3333.4f};
    const uint32_t kind = byte(in);
    union {
        uint32_t u;
        float f;
    } any;
    any.u = kind < 64 ? word(in) : 0;
    return kind < 64 ? any.f : kind < 160 ? usual[kind % 12] : (float)(word(in) % 2000000u) * 0.01f;
}

static void *block(input *in, int64_t n, size_t width) {
    const size_t length_bytes = n > 0 && n <= 5 * 65536 ? (size_t)n * width : 0;
    void *made = malloc(length_bytes ? length_bytes : 1);
    if (!made || in->count == BLOCKS_MAX) {
        abort();
    }
    in->blocks[in->count++] = made;
    // The input's bytes, again and again.
    const size_t left = (size_t)(in->end - in->at);
    for (size_t i = 0; i < length_bytes; i++) {
        ((uint8_t *)made)[i] = left ? in->at[(i * 7 + i / 97) % left] : (uint8_t)(i * i);
    }
    return made;
}

#define I16(n) ((int16_t *)block(in, n, 2))
#define I32(n) ((int32_t *)block(in, n, 4))

// Floats: any bits, or values of a signal.
static float *floats(input *in, int64_t n) {
    float *made = block(in, n, sizeof(float));
    if (byte(in) & 3) {
        for (int64_t i = 0; i < n && n <= 5 * 65536; i++) {
            uint32_t u;
            memcpy(&u, made + i, sizeof u);
            made[i] = (float)(int32_t)u * 1e-6f;
        }
    }
    return made;
}

#define F32(n) floats(in, n)

// ---- states ------------------------------------------------------------------------------------

// Memory of a state, now and then with a few bytes of it changed.
static void damage(input *in, void *memory, size_t n) {
    for (uint32_t changes = byte(in) % 4; changes > 0 && n > 0; changes--) {
        const uint32_t at = word(in);
        ((uint8_t *)memory)[(at & 1) ? at / 2 % n : at / 2 % (n < 64 ? n : 64)] ^=
            (uint8_t)byte(in);
    }
}

static size_t room_for(input *in, size_t need) {
    return need == 0 || byte(in) < 8 ? byte(in) : need;
}

// NULL when the memory does not open.
static const dsp_plan *plan_of(input *in, int32_t n) {
    const size_t held = room_for(in, dsp_plan_bytes(n));
    void *memory = block(in, (int64_t)held, 1);
    const dsp_plan *plan = NULL;
    dsp_plan_init(n, memory, held, &plan);
    if (byte(in) < 16) {
        // The twiddles are data: whatever they are, nothing leaves its array.
        damage(in, memory, held);
        plan = NULL;
        dsp_plan_open(memory, held, &plan);
    }
    return plan;
}

#define OPEN(type)                                                                                 \
    if (byte(in) < 128) {                                                                          \
        damage(in, memory, held);                                                                  \
        state = NULL;                                                                              \
        if (dsp_##type##_open(memory, held, &state) != DSP_OK) {                                   \
            return;                                                                                \
        }                                                                                          \
    }                                                                                              \
    if (!state) {                                                                                  \
        return;                                                                                    \
    }

// ---- functions, in the order of dsp.h ----------------------------------------------------------

static void transforms(input *in) {
    const int32_t n = size(in);
    const dsp_plan *plan = plan_of(in, n);
    if (!plan) {
        return;
    }
    const int32_t m = dsp_plan_n(plan), rows = (int32_t)(byte(in) % 4) - 1;
    float *y = F32(m);
    dsp_rfft_f32(plan, F32(m), y);
    dsp_irfft_f32(plan, y, F32(m), F32(m));
    dsp_rfft_f32_window(plan, F32(m), F32(m), y);
    dsp_rfft_f32_rows(plan, F32(rows * m), rows, F32(rows * m));
    dsp_rfft_i16(plan, I16(m), y);
    dsp_rfft_i32(plan, I32(m), y);
}

static void transform_q15(input *in) {
    const int32_t n = size(in);
    const int shift = byte(in) < 16;  // not aligned
    int16_t *x = I16((int64_t)n + 1), *y = I16((int64_t)n + 1);
    int32_t exponent;
    dsp_rfft_q15(n, x + shift, y, &exponent);
}

static void features(input *in) {
    const int32_t n = length(in);
    dsp_feature_set set;
    dsp_shape_set shape;
    dsp_features(I16(n), n, number(in), &set);
    dsp_shape_factors(I16(n), n, number(in), &shape);
}

static void spectra(input *in) {
    const dsp_plan *plan = plan_of(in, size(in));
    if (!plan) {
        return;
    }
    const int32_t n = dsp_plan_n(plan), count = (int32_t)(word(in) % 9) - 2;
    float gain, enbw;
    dsp_spectrum(plan, I16(n), number(in), F32(n), F32(n / 2 + 1));
    dsp_spectrum_window(plan, I16(n), number(in), (int32_t)(byte(in) % 8) - 2, F32(n),
                        F32(n / 2 + 1));
    dsp_spectrum_table(plan, I16(n), number(in), F32(n), number(in), F32(2 * n), F32(n / 2 + 1));
    dsp_window_info((int32_t)word(in), &gain, &enbw);
    const int32_t bins = short_length(in);
    float *acc = F32(bins);
    dsp_power_add(F32(bins), bins, acc);
    dsp_power_mean(bins, count, acc, F32(bins));
    dsp_kaiser(bins, number(in), F32(bins), &gain, &enbw);
}

static void envelope(input *in) {
    const dsp_plan *plan = plan_of(in, size(in));
    if (!plan) {
        return;
    }
    const int32_t n = size(in), k_lo = length(in), bins = length(in);
    const int32_t k_hi = byte(in) & 1 ? length(in) : (int32_t)((uint32_t)k_lo + byte(in));
    float *y = F32(n), *scratch = F32(2 * dsp_plan_n(plan)), *amp = F32(bins);
    dsp_envelope(plan, y, n, k_lo, k_hi, number(in), bins, scratch, amp);
}

static void decimation(input *in) {
    dsp_decimator state;
    bytes(in, &state, sizeof state);
    if (byte(in) < 224) {
        dsp_decimate_reset(&state);
    }
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in), room = short_length(in);
        int32_t made;
        dsp_decimate(&state, I16(n), n, room, I32(room), &made);
        if (n >= 0 && state.phase >= -1 && state.phase < DSP_DECIMATE_FACTOR) {
            dsp_decimate_count(&state, n);
        }
    }
}

static void integrals(input *in) {
    const dsp_plan *plan = plan_of(in, size(in));
    if (!plan) {
        return;
    }
    const int32_t n = dsp_plan_n(plan);
    float value;
    dsp_velocity(plan, I32(n), number(in), number(in), number(in), number(in), F32(n), &value);
    dsp_displacement(plan, I32(n), number(in), number(in), number(in), number(in), F32(n), &value);
}

static void welch(input *in) {
    const int32_t n = size(in);
    const size_t held = room_for(in, dsp_welch_bytes(n));
    void *memory = block(in, (int64_t)held, 1);
    dsp_welch *state = NULL;
    dsp_welch_init(n, length(in), (int32_t)(byte(in) % 5), memory, held, &state);
    OPEN(welch)
    const dsp_plan *plan = plan_of(in, byte(in) < 16 ? size(in) : dsp_welch_n(state));
    for (int turn = 0; plan && turn < 2; turn++) {
        const int32_t count = short_length(in);
        dsp_welch_feed(state, plan, I16(count), count, F32(dsp_plan_n(plan)));
    }
    dsp_welch_psd(state, number(in), number(in), F32(dsp_welch_n(state) / 2 + 1));
    dsp_welch_segments(state);
    dsp_welch_reset(state);
}

static void lines(input *in) {
    const int32_t bins = short_length(in), room = length(in), count = short_length(in);
    const float *amp = F32(bins);
    const float bin_hz = number(in);
    int32_t found;
    dsp_score score;
    dsp_peaks(amp, bins, bin_hz, (int32_t)(byte(in) % 6) - 1, number(in), room,
              block(in, room, sizeof(dsp_line)), &found);
    dsp_lines(amp, bins, bin_hz, (int32_t)(byte(in) % 6) - 1, number(in), number(in), length(in),
              count, number(in) * 1e-3f, block(in, count, sizeof(dsp_line)));
    dsp_line_score(amp, bins, bin_hz, number(in), number(in), (int32_t)(byte(in) % 40) - 2,
                   number(in) * 1e-3f, &score);
    dsp_band_rms(amp, bins, bin_hz, number(in), F32(2 * (int64_t)count), count, F32(count));
}

static void machines(input *in) {
    dsp_bearing bearing;
    int32_t zone;
    const float limits[3] = {number(in), number(in), number(in)};
    dsp_bearing_orders(length(in), number(in), number(in), number(in), &bearing);
    dsp_severity_zone(number(in), limits, &zone);
}

static void motion(input *in) {
    dsp_motion state;
    dsp_motion_set set;
    bytes(in, &state, sizeof state);
    if (byte(in) < 224 && dsp_motion_init(number(in), number(in), number(in), &state) == DSP_OK) {
        damage(in, &state, sizeof state);
    }
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in);
        float *velocity = byte(in) & 1 ? F32(n) : NULL;
        dsp_motion_feed(&state, I32(n), n, velocity, byte(in) & 1 ? F32(n) : NULL);
        dsp_motion_read(&state, &set);
    }
}

static void envelope_stream(input *in) {
    const dsp_envelope_setup setup = {number(in), number(in), number(in), number(in), size(in)};
    const size_t held = room_for(in, dsp_envelope_stream_bytes(&setup));
    void *memory = block(in, (int64_t)held, 1);
    dsp_envelope_stream *state = NULL;
    dsp_envelope_stream_init(&setup, memory, held, &state);
    OPEN(envelope_stream)
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in);
        int32_t used;
        dsp_envelope_stream_feed(state, I16(n), n, &used);
    }
    const dsp_plan *plan = plan_of(in, setup.points);
    const int32_t bins = length(in);
    if (plan) {
        dsp_envelope_stream_spectrum(state, plan, number(in), bins, F32(dsp_plan_n(plan)),
                                     F32(bins));
    }
    dsp_envelope_stream_missing(state);
    dsp_envelope_stream_bin_hz(state);
    dsp_envelope_stream_span(state);
    dsp_envelope_stream_reset(state);
}

static void kurtogram(input *in) {
    const int32_t n = size(in), parts = (int32_t)(byte(in) % 40) - 1;
    const int32_t bands = dsp_kurtogram_bands(n, parts);
    const size_t held = room_for(in, dsp_kurtogram_bytes(n));
    void *work = block(in, (int64_t)held, 1);
    float *sums = F32(2 * bands), kurtosis;
    int32_t band, k_lo, k_hi;
    dsp_kurtogram_add(F32(n), n, parts, work, held, sums);
    dsp_kurtogram_best(sums, n, parts, length(in), length(in), length(in), &band, &kurtosis);
    dsp_kurtogram_band(n, parts, length(in), &k_lo, &k_hi);
}

static void zoom(input *in) {
    const dsp_zoom_setup setup = {number(in), number(in), number(in), size(in)};
    const size_t held = room_for(in, dsp_zoom_bytes(&setup));
    void *memory = block(in, (int64_t)held, 1);
    dsp_zoom *state = NULL;
    dsp_zoom_init(&setup, memory, held, &state);
    OPEN(zoom)
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in);
        int32_t used;
        dsp_zoom_feed(state, I16(n), n, &used);
    }
    const dsp_plan *plan = plan_of(in, setup.points);
    if (plan) {
        dsp_zoom_spectrum(state, plan, number(in), F32(2 * dsp_plan_n(plan)),
                          F32(dsp_zoom_bins(state)));
    }
    dsp_zoom_missing(state);
    dsp_zoom_first_hz(state);
    dsp_zoom_bin_hz(state);
    dsp_zoom_reset(state);
}

static void goertzel(input *in) {
    const int32_t count = (int32_t)(byte(in) % 6) - 1;
    dsp_goertzel_bin *bins = block(in, count, sizeof *bins);
    dsp_goertzel state;
    bytes(in, &state, sizeof state);
    state.count = count;  // the one field that says how long `bins` is
    if (byte(in) < 224) {
        dsp_goertzel_init(number(in), F32(count), count, bins, &state);
    }
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in);
        dsp_goertzel_feed(&state, bins, I16(n), n);
    }
    dsp_goertzel_read(&state, bins, number(in), F32(2 * count));
}

static void halfband(input *in) {
    const int32_t stages = (int32_t)(byte(in) % 11) - 1;
    const size_t held = room_for(in, dsp_halfband_bytes(stages));
    void *memory = block(in, (int64_t)held, 1);
    dsp_halfband *state = NULL;
    dsp_halfband_init(stages, memory, held, &state);
    OPEN(halfband)
    for (int turn = 0; turn < 3; turn++) {
        const int32_t n = short_length(in), room = short_length(in);
        int32_t made;
        dsp_halfband_feed(state, I16(n), n, room, I32(room), &made);
        dsp_halfband_count(state, n);
    }
    dsp_halfband_reset(state);
}

static void gas(input *in) {
    dsp_gas state;
    dsp_gas_tuning tuning;
    bytes(in, &state, sizeof state);
    float *field = &tuning.index_offset;
    for (int i = 0; i < 6; i++) {
        field[i] = number(in);
    }
    if (byte(in) < 224) {
        dsp_gas_init((int32_t)(byte(in) % 4) - 1, number(in), byte(in) & 1 ? &tuning : NULL,
                     &state);
    }
    for (int turn = 0; turn < 200; turn++) {
        int32_t index;
        dsp_gas_process(&state, turn & 1 ? length(in) : 30000 + turn, &index);
    }
}

static void wire(input *in) {
    const int32_t words = short_length(in), room = short_length(in), n = short_length(in);
    dsp_fifo_info info;
    float floor_db;
    dsp_fifo_split(block(in, 7 * (int64_t)words, 1), words, room, I16(room), I16(room), I16(room),
                   &info);
    const int32_t entry_bytes = byte(in) & 1 ? 9 : 6;
    int32_t good;
    dsp_xyz_split(block(in, entry_bytes * (int64_t)words, 1), words, entry_bytes, 32764, I16(words),
                  I16(words), I16(words), &good);
    dsp_widen(I16(n), n, block(in, n, 4));
    dsp_pack_f16(F32(n), n, block(in, n, 2));
    dsp_pack_db8(F32(n), n, number(in), block(in, n, 1), &floor_db);
}

static void arithmetic(input *in) {
    float sine, cosine;
    dsp_sincos(word(in), &sine, &cosine);
    const float x = number(in);
    if (x >= 1.17549435e-38f && x <= 3.4028234e38f) {
        dsp_log2(x);
    }
    dsp_exp2(number(in));
    dsp_status_text((dsp_status)(int32_t)word(in));
}

// ---- one input ---------------------------------------------------------------------------------

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static void (*const all[])(input *) = {
        transform_q15, transforms, features, spectra, envelope,        decimation, integrals,
        welch,         lines,      machines, motion,  envelope_stream, kurtogram,  zoom,
        goertzel,      halfband,   gas,      wire,    arithmetic,
    };
    input in = {data, data + n, {NULL}, 0};
    all[byte(&in) % (sizeof all / sizeof *all)](&in);
    while (in.count > 0) {
        free(in.blocks[--in.count]);
    }
    return 0;
}

#if !defined(FUZZ_LIBRARY)
#include <stdio.h>

// Without libFuzzer: inputs of a generator with a seed. fuzz COUNT [FIRST]
int main(int argc, char **argv) {
    uint8_t data[2048];
    const uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000;
    const uint32_t first = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    for (uint32_t seed = first; seed < first + count; seed++) {
        uint32_t state = seed * 2654435761u + 1;
        for (size_t i = 0; i < sizeof data; i++) {
            state = state * 1664525u + 1013904223u;
            data[i] = (uint8_t)(state >> 24);
        }
        data[0] = (uint8_t)seed;
        if (getenv("FUZZ_TRACE")) {
            fprintf(stderr, "seed %u\n", seed);
        }
        LLVMFuzzerTestOneInput(data, sizeof data);
    }
    printf("%u inputs\n", count);
    return 0;
}
#endif
