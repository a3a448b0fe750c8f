// Module `dsp`: inverse and 16-bit transforms, windows by table, zoom, a few frequencies.
#include "glue.h"

// ---- transforms --------------------------------------------------------------------------------

// rfft_f32(plan, x, n, y)
static mp_obj_t rfft_f32(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const float *x = IN(float, "x", args[1], 0, n);
    check(dsp_rfft_f32(plan, x, OUT(float, "y", args[3], 0, n)), "plan: not initialised");
    return mp_const_none;
}
VAR(rfft_f32, 4);

// irfft(plan, y, n, work, x)
static mp_obj_t irfft(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const float *y = IN(float, "y", args[1], 0, n);
    float *work = OUT(float, "work", args[3], 0, n);
    check(dsp_irfft_f32(plan, y, work, OUT(float, "x", args[4], 0, n)), "plan: not initialised");
    return mp_const_none;
}
VAR(irfft, 5);

// rfft_q15(x, at, n, y) -> exponent; at is even, y in the order of dsp_rfft_q15
static mp_obj_t rfft_q15(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const int16_t *x = get_samples(args[0], args[1], n);
    int16_t *y = OUT(int16_t, "y", args[3], 0, n);
    int32_t exponent = 0;
    const dsp_status status = dsp_rfft_q15(n, x, y, &exponent);
    refuse_unless(status != DSP_ERR_SIZE, "n: not a power of two in 256..8192");
    check(status, "x, y: not aligned to 4 bytes, or they overlap");
    return mp_obj_new_int(exponent);
}
VAR(rfft_q15, 4);

// ---- windows by table --------------------------------------------------------------------------

// kaiser(n, beta, w, out): coherent gain, ENBW in bins
static mp_obj_t kaiser(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[0], "n: too large");
    float *w = OUT(float, "w", args[2], 0, n);
    float *out = OUT(float, "out", args[3], 0, 2);
    const dsp_status status = dsp_kaiser(n, get_float(args[1]), w, out, out + 1);
    refuse_unless(status != DSP_ERR_SIZE, "n: under 2");
    check(status, "beta: not in 0..40");
    return mp_const_none;
}
VAR(kaiser, 4);

// spectrum_table(plan, x, at, n, scale, w, coherent_gain, work, amp); work: 2 n
static mp_obj_t spectrum_table(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[3], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const int16_t *x = get_samples(args[1], args[2], n);
    const float *w = IN(float, "w", args[5], 0, n);
    float *work = OUT(float, "work", args[7], 0, 2 * n);
    float *amp = OUT(float, "amp", args[8], 0, n / 2 + 1);
    check(dsp_spectrum_table(plan, x, get_float(args[4]), w, get_float(args[6]), work, amp),
          "scale, coherent_gain: not positive");
    return mp_const_none;
}
VAR(spectrum_table, 9);

// ---- zoom --------------------------------------------------------------------------------------

static dsp_zoom_setup zoom_setup_of(const mp_obj_t *args) {
    const dsp_zoom_setup setup = {get_float(args[0]), get_float(args[1]), get_float(args[2]),
                                  get_int(args[3], "points: too large")};
    return setup;
}

#define BAD_ZOOM "rate_hz, f_lo_hz, f_hi_hz, points: not allowed together"

// zoom_bytes(rate_hz, f_lo_hz, f_hi_hz, points)
static mp_obj_t zoom_bytes(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const dsp_zoom_setup setup = zoom_setup_of(args);
    const size_t bytes = dsp_zoom_bytes(&setup);
    refuse_unless(bytes != 0, BAD_ZOOM);
    return mp_obj_new_int((mp_int_t)bytes);
}
VAR(zoom_bytes, 4);

// zoom_init(state, rate_hz, f_lo_hz, f_hi_hz, points, out) -> bins; out: first_hz, bin_hz
static mp_obj_t zoom_init(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t bytes;
    void *memory = state_of(args[0], &bytes, BAD_BUFFER("state"));
    float *out = OUT(float, "out", args[5], 0, 2);
    const dsp_zoom_setup setup = zoom_setup_of(args + 1);
    dsp_zoom *state;
    const dsp_status status = dsp_zoom_init(&setup, memory, bytes, &state);
    refuse_unless(status != DSP_ERR_SPACE, BAD_BUFFER("state"));
    check(status, BAD_ZOOM);
    out[0] = dsp_zoom_first_hz(state);
    out[1] = dsp_zoom_bin_hz(state);
    return mp_obj_new_int(dsp_zoom_bins(state));
}
VAR(zoom_init, 6);

static dsp_zoom *get_zoom(mp_obj_t obj) {
    size_t bytes;
    void *memory = state_of(obj, &bytes, BAD_BUFFER("state"));
    dsp_zoom *state = NULL;
    check(dsp_zoom_open(memory, bytes, &state), "state: never initialised (zoom_init)");
    return state;
}

static mp_obj_t zoom_reset(mp_obj_t state) {
    dsp_zoom_reset(get_zoom(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(zoom_reset_obj, zoom_reset);

static mp_obj_t zoom_missing(mp_obj_t state) {
    return mp_obj_new_int(dsp_zoom_missing(get_zoom(state)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(zoom_missing_obj, zoom_missing);

// zoom_feed(state, x, at, n) -> used
static mp_obj_t zoom_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_zoom *state = get_zoom(args[0]);
    const int32_t n = get_int(args[3], "n: too large");
    const int16_t *x = get_samples(args[1], args[2], n);
    int32_t used = 0;
    check(dsp_zoom_feed(state, x, n, &used), "n: negative");
    return mp_obj_new_int(used);
}
VAR(zoom_feed, 4);

// zoom_spectrum(state, plan, scale, work, amp); work: 2 points
static mp_obj_t zoom_spectrum(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_zoom *state = get_zoom(args[0]);
    const dsp_plan *plan = get_plan(args[1], "plan: not initialised (plan_init)");
    float *work = OUT(float, "work", args[3], 0, 2 * dsp_plan_n(plan));
    float *amp = OUT(float, "amp", args[4], 0, dsp_zoom_bins(state));
    const dsp_status status = dsp_zoom_spectrum(state, plan, get_float(args[2]), work, amp);
    refuse_unless(status != DSP_ERR_SIZE, "plan: of another size; or state: record not full");
    check(status, "scale: not positive");
    return mp_const_none;
}
VAR(zoom_spectrum, 5);

// ---- a few frequencies -------------------------------------------------------------------------

// The bank and, behind it, its filters: one buffer.
typedef struct {
    dsp_goertzel bank;
    dsp_goertzel_bin bins[];
} goertzel_state;

static size_t goertzel_size(int32_t count) {
    return sizeof(goertzel_state) + sizeof(dsp_goertzel_bin) * (size_t)count;
}

static mp_obj_t goertzel_bytes(mp_obj_t count_obj) {
    const int32_t count = get_int(count_obj, "count: too large");
    refuse_unless(count >= 1 && count < 0x10000, "count: not in 1..65535");
    return mp_obj_new_int((mp_int_t)goertzel_size(count));
}
static MP_DEFINE_CONST_FUN_OBJ_1(goertzel_bytes_obj, goertzel_bytes);

// goertzel_init(state, rate_hz, freq_hz, count)
static mp_obj_t goertzel_init(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t count = get_int(args[3], "count: too large");
    refuse_unless(count >= 1 && count < 0x10000, "count: not in 1..65535");
    goertzel_state *state = fixed_state(args[0], goertzel_size(count));
    const float *freq_hz = IN(float, "freq_hz", args[2], 0, count);
    check(dsp_goertzel_init(get_float(args[1]), freq_hz, count, state->bins, &state->bank),
          "rate_hz, freq_hz: out of range");
    return mp_const_none;
}
VAR(goertzel_init, 4);

static goertzel_state *get_goertzel(mp_obj_t obj) {
    size_t bytes;
    goertzel_state *state = state_of(obj, &bytes, BAD_BUFFER("state"));
    const bool known = bytes >= sizeof *state && state->bank.count >= 1 &&
                       state->bank.count < 0x10000 && bytes >= goertzel_size(state->bank.count);
    refuse_unless(known, "state: never initialised (goertzel_init)");
    return state;
}

// goertzel_feed(state, x, at, n)
static mp_obj_t goertzel_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    goertzel_state *state = get_goertzel(args[0]);
    const int32_t n = get_int(args[3], "n: too large");
    const int16_t *x = get_samples(args[1], args[2], n);
    const dsp_status status = dsp_goertzel_feed(&state->bank, state->bins, x, n);
    refuse_unless(status != DSP_ERR_SIZE, "n: more than 2^24 samples in all");
    check(status, "state: never initialised (goertzel_init)");
    return mp_const_none;
}
VAR(goertzel_feed, 4);

// goertzel_read(state, scale, re_im): pairs
static mp_obj_t goertzel_read(mp_obj_t state_obj, mp_obj_t scale, mp_obj_t out) {
    goertzel_state *state = get_goertzel(state_obj);
    float *re_im = OUT(float, "re_im", out, 0, 2 * state->bank.count);
    const dsp_status status = dsp_goertzel_read(&state->bank, state->bins, get_float(scale), re_im);
    refuse_unless(status != DSP_ERR_SIZE, "state: nothing fed yet");
    check(status, "scale: not positive");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(goertzel_read_obj, goertzel_read);
