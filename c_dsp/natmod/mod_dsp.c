// Module `dsp`: transforms, features, decimation, packing.
#include "glue.h"

// ---- functions ---------------------------------------------------------------------------------

static mp_obj_t plan_bytes(mp_obj_t n_obj) {
    const size_t bytes = dsp_plan_bytes(get_int(n_obj, "n: too large"));
    refuse_unless(bytes != 0, "n: not a power of two in 256..16384");
    return mp_obj_new_int((mp_int_t)bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(plan_bytes_obj, plan_bytes);

static mp_obj_t plan_init(mp_obj_t n_obj, mp_obj_t memory) {
    const int32_t n = get_int(n_obj, "n: too large");
    refuse_unless(dsp_plan_bytes(n) != 0, "n: not a power of two in 256..16384");
    mp_buffer_info_t info;
    const dsp_plan *plan;
    mp_get_buffer_raise(memory, &info, MP_BUFFER_RW);
    check(dsp_plan_init(n, info.buf, info.len, &plan), BAD_BUFFER("plan_buf"));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(plan_init_obj, plan_init);

// fifo_split(image, words, x, y, z, at, info) -> samples
static mp_obj_t fifo_split(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t words = get_int(args[1], "words: too large");
    refuse_unless(words >= 0 && words <= 0x1000000, "words: not in 0..2^24");
    const int32_t image_bytes = words * DSP_FIFO_WORD_BYTES;
    const uint8_t *image = IN(uint8_t, "image", args[0], 0, image_bytes);
    const int32_t at = get_int(args[5], "at: too large");
    int32_t room = 0x40000000;
    int16_t *axis[3];
    for (int i = 0; i < 3; i++) {
        mp_buffer_info_t info;
        axis[i] = OUT(int16_t, "x, y, z", args[2 + i], at, 0);
        mp_get_buffer_raise(args[2 + i], &info, MP_BUFFER_RW);
        const int32_t left = (int32_t)(info.len / sizeof(int16_t)) - at;
        room = left < room ? left : room;
    }
    int32_t *out = OUT(int32_t, "info", args[6], 0, 8);
    dsp_fifo_info seen;
    check(dsp_fifo_split(image, words, room, axis[0], axis[1], axis[2], &seen),
          "x, y, z: the samples of the image do not fit");
    out[0] = seen.samples;
    out[1] = seen.timestamps;
    out[2] = seen.timestamp;
    out[3] = seen.before_timestamp;
    out[4] = seen.temperatures;
    out[5] = seen.temperature;
    out[6] = seen.bad;
    out[7] = seen.hole;
    return mp_obj_new_int(seen.samples);
}
VAR(fifo_split, 7);

// xyz_split(image, entries, entry_bytes, top, x, y, z, at) -> entries that are x, y, z
static mp_obj_t xyz_split(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[1], "entries: too large");
    refuse_unless(n >= 0 && n <= 0x1000000, "entries: not in 0..2^24");
    const int32_t entry_bytes = get_int(args[2], "entry_bytes: too large");
    refuse_unless(entry_bytes == 6 || entry_bytes == 9, "entry_bytes: not 6 or 9");
    const uint8_t *image = IN(uint8_t, "image", args[0], 0, n *entry_bytes);
    const int32_t at = get_int(args[7], "at: too large");
    int16_t *x = OUT(int16_t, "x, y, z", args[4], at, n);
    int16_t *y = OUT(int16_t, "x, y, z", args[5], at, n);
    int16_t *z = OUT(int16_t, "x, y, z", args[6], at, n);
    int32_t good;
    const int32_t top = get_int(args[3], "top: too large");
    check(dsp_xyz_split(image, n, entry_bytes, top, x, y, z, &good), "entry_bytes: not 6 or 9");
    return mp_obj_new_int(good);
}
VAR(xyz_split, 8);

// widen(x, at, n, out, out_at)
static mp_obj_t widen(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const int16_t *x = get_samples(args[0], args[1], n);
    int32_t *out = OUT(int32_t, "out", args[3], get_int(args[4], "out_at: too large"), n);
    check(dsp_widen(x, n, out), "n: negative");
    return mp_const_none;
}
VAR(widen, 5);

// features(x, at, n, scale, out)
static mp_obj_t features(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const int16_t *x = get_samples(args[0], args[1], n);
    float *out = OUT(float, "out", args[4], 0, 8);
    dsp_feature_set set;
    const dsp_status status = dsp_features(x, n, get_float(args[3]), &set);
    refuse_unless(status != DSP_ERR_SIZE, "n: not in 2..65535");
    check(status, "scale: not positive");
    out[0] = set.mean;
    out[1] = set.rms;
    out[2] = set.peak;
    out[3] = set.crest;
    out[4] = set.kurtosis;
    out[5] = set.peak_to_peak;
    out[6] = set.skewness;
    out[7] = set.saturated;
    return mp_const_none;
}
VAR(features, 5);

// spectrum(plan, x, at, n, scale, work, amp)
static mp_obj_t spectrum(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[3], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const int16_t *x = get_samples(args[1], args[2], n);
    float *work = OUT(float, "work", args[5], 0, n);
    float *amp = OUT(float, "amp", args[6], 0, n / 2 + 1);
    check(dsp_spectrum(plan, x, get_float(args[4]), work, amp), "scale: not positive");
    return mp_const_none;
}
VAR(spectrum, 7);

static mp_obj_t power_add(mp_obj_t acc, mp_obj_t amp, mp_obj_t n_obj) {
    const int32_t n = get_int(n_obj, "n: too large");
    const float *in = IN(float, "amp", amp, 0, n);
    check(dsp_power_add(in, n, OUT(float, "acc", acc, 0, n)), "n: not positive");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(power_add_obj, power_add);

// power_mean(acc, n, count, amp)
static mp_obj_t power_mean(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[1], "n: too large");
    const int32_t count = get_int(args[2], "count: too large");
    float *acc = OUT(float, "acc", args[0], 0, n);
    float *amp = OUT(float, "amp", args[3], 0, n);
    const dsp_status status = dsp_power_mean(n, count, acc, amp);
    refuse_unless(status != DSP_ERR_SIZE, "n: not positive");
    check(status, "count: not positive");
    return mp_const_none;
}
VAR(power_mean, 4);

// rfft(plan, x, at, n, work)
static mp_obj_t rfft(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[3], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const int16_t *x = get_samples(args[1], args[2], n);
    check(dsp_rfft_i16(plan, x, OUT(float, "work", args[4], 0, n)), "plan: not initialised");
    return mp_const_none;
}
VAR(rfft, 5);

// envelope(plan_m, work_n, n, k_lo, k_hi, scale, scratch, bins, amp)
static mp_obj_t envelope(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const dsp_plan *plan = get_plan(args[0], "plan_m: not initialised (plan_init)");
    const int32_t n = get_int(args[2], "n: too large");
    const float *y = IN(float, "work_n", args[1], 0, n);
    const int32_t k_lo = get_int(args[3], "k_lo: too large");
    const int32_t k_hi = get_int(args[4], "k_hi: too large");
    float *scratch = OUT(float, "scratch", args[6], 0, 2 * dsp_plan_n(plan));
    const int32_t bins = get_int(args[7], "bins: too large");
    float *amp = OUT(float, "amp", args[8], 0, bins);
    const dsp_status status =
        dsp_envelope(plan, y, n, k_lo, k_hi, get_float(args[5]), bins, scratch, amp);
    refuse_unless(status != DSP_ERR_SIZE, "n: not a transform size, or plan_m: under 2 bands");
    refuse_unless(status != DSP_ERR_BAND, "k_lo, k_hi, bins: outside the spectrum or the band");
    check(status, "scale: not positive");
    return mp_const_none;
}
VAR(envelope, 9);

static mp_obj_t decimate_bytes(void) {
    return mp_obj_new_int(sizeof(dsp_decimator));
}
static MP_DEFINE_CONST_FUN_OBJ_0(decimate_bytes_obj, decimate_bytes);

static dsp_decimator *get_decimator(mp_obj_t obj) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_RW);
    const bool fine = info.len >= sizeof(dsp_decimator) && ((uintptr_t)info.buf & 3) == 0;
    refuse_unless(fine, BAD_BUFFER("state"));
    return info.buf;
}

static mp_obj_t decimate_reset(mp_obj_t state) {
    dsp_decimate_reset(get_decimator(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(decimate_reset_obj, decimate_reset);

// decimate(state, x, at, n, out, out_at) -> produced
static mp_obj_t decimate(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_decimator *state = get_decimator(args[0]);
    const int32_t n = get_int(args[3], "n: too large");
    const int16_t *x = get_samples(args[1], args[2], n);
    const int32_t out_at = get_int(args[5], "out_at: too large");
    int32_t *out = OUT(int32_t, "out", args[4], out_at, 0);
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[4], &info, MP_BUFFER_RW);
    const int32_t room = (int32_t)(info.len / sizeof(int32_t)) - out_at;
    int32_t produced = 0;
    const dsp_status status = dsp_decimate(state, x, n, room, out, &produced);
    refuse_unless(status != DSP_ERR_SPACE, "out: too short");
    check(status, "state: never reset (decimate_reset)");
    return mp_obj_new_int(produced);
}
VAR(decimate, 6);

// dsp_velocity and dsp_displacement take the same: (plan, rec, n, scale, rate_hz, f_lo_hz, f_hi_hz,
// work).
typedef dsp_status (*motion_figure)(const dsp_plan *plan, const int32_t rec[], float scale,
                                    float rate_hz, float f_lo_hz, float f_hi_hz, float work[],
                                    float *out);

static mp_obj_t in_band(motion_figure figure, const mp_obj_t *args) {
    const int32_t n = get_int(args[2], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const int32_t *rec = IN(int32_t, "rec", args[1], 0, n);
    float *work = OUT(float, "work", args[7], 0, n);
    float value = 0.0f;
    const dsp_status status = figure(plan, rec, get_float(args[3]), get_float(args[4]),
                                     get_float(args[5]), get_float(args[6]), work, &value);
    refuse_unless(status != DSP_ERR_BAND, "f_lo_hz, f_hi_hz: no bin lies between");
    check(status, "scale, rate_hz, f_lo_hz, f_hi_hz: out of range");
    return mp_obj_new_float_from_f(value);
}

// velocity(..) -> mm/s
static mp_obj_t velocity(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return in_band(dsp_velocity, args);
}
VAR(velocity, 8);

// displacement(..) -> um
static mp_obj_t displacement(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return in_band(dsp_displacement, args);
}
VAR(displacement, 8);

static mp_obj_t pack_f16(mp_obj_t src, mp_obj_t n_obj, mp_obj_t dst) {
    const int32_t n = get_int(n_obj, "n: too large");
    const float *in = IN(float, "src", src, 0, n);
    check(dsp_pack_f16(in, n, OUT(uint16_t, "dst", dst, 0, n)), "n: negative");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(pack_f16_obj, pack_f16);

// pack_db8(src, n, step_db, dst) -> floor_db
static mp_obj_t pack_db8(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[1], "n: too large");
    const float *in = IN(float, "src", args[0], 0, n);
    uint8_t *out = OUT(uint8_t, "dst", args[3], 0, n);
    float floor_db = 0.0f;
    check(dsp_pack_db8(in, n, get_float(args[2]), out, &floor_db), "step_db: not positive");
    return mp_obj_new_float_from_f(floor_db);
}
VAR(pack_db8, 4);
