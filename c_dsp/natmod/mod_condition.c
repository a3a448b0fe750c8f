// Module `dsp`: condition monitoring.
#include "glue.h"

// ---- features, bands, severity -----------------------------------------------------------------

// shape_factors(x, at, n, scale, out)
static mp_obj_t shape_factors(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[2], "n: too large");
    const int16_t *x = get_samples(args[0], args[1], n);
    float *out = OUT(float, "out", args[4], 0, 4);
    dsp_shape_set set;
    const dsp_status status = dsp_shape_factors(x, n, get_float(args[3]), &set);
    refuse_unless(status != DSP_ERR_SIZE, "n: not in 2..65535");
    check(status, "scale: not positive");
    out[0] = set.mean_magnitude;
    out[1] = set.shape;
    out[2] = set.impulse;
    out[3] = set.clearance;
    return mp_const_none;
}
VAR(shape_factors, 5);

// band_rms(amp, bins, bin_hz, enbw_bins, limits_hz, count, rms)
static mp_obj_t band_rms(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t bins = get_int(args[1], "bins: too large");
    const int32_t count = get_int(args[5], "count: too large");
    refuse_unless(count >= 1 && count < 0x10000, "count: not in 1..65535");
    const float *amp = IN(float, "amp", args[0], 0, bins);
    const float *limits = IN(float, "limits_hz", args[4], 0, 2 * count);
    float *rms = OUT(float, "rms", args[6], 0, count);
    const dsp_status status =
        dsp_band_rms(amp, bins, get_float(args[2]), get_float(args[3]), limits, count, rms);
    refuse_unless(status != DSP_ERR_BAND, "limits_hz: no bin lies in a band");
    check(status, "bins, bin_hz, enbw_bins, limits_hz: out of range");
    return mp_const_none;
}
VAR(band_rms, 7);

// severity_zone(velocity_mm_s, limits_mm_s) -> 0..3
static mp_obj_t severity_zone(mp_obj_t value, mp_obj_t limits) {
    int32_t zone = 0;
    check(dsp_severity_zone(get_float(value), IN(float, "limits_mm_s", limits, 0, 3), &zone),
          "velocity_mm_s, limits_mm_s: out of range");
    return mp_obj_new_int(zone);
}
static MP_DEFINE_CONST_FUN_OBJ_2(severity_zone_obj, severity_zone);

// bearing_orders(elements, element_diameter, pitch_diameter, contact_deg, out): bpfo bpfi bsf2 ftf
static mp_obj_t bearing_orders(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    float *out = OUT(float, "out", args[4], 0, 4);
    dsp_bearing orders;
    check(dsp_bearing_orders(get_int(args[0], "elements: too large"), get_float(args[1]),
                             get_float(args[2]), get_float(args[3]), &orders),
          "elements, diameters, contact_deg: out of range");
    out[0] = orders.bpfo;
    out[1] = orders.bpfi;
    out[2] = orders.bsf2;
    out[3] = orders.ftf;
    return mp_const_none;
}
VAR(bearing_orders, 5);

// ---- velocity and displacement as they stream --------------------------------------------------

static mp_obj_t motion_bytes(void) {
    return mp_obj_new_int(sizeof(dsp_motion));
}
static MP_DEFINE_CONST_FUN_OBJ_0(motion_bytes_obj, motion_bytes);

// motion_init(state, rate_hz, f_lo_hz, scale)
static mp_obj_t motion_init(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_motion *state = fixed_state(args[0], sizeof(dsp_motion));
    check(dsp_motion_init(get_float(args[1]), get_float(args[2]), get_float(args[3]), state),
          "rate_hz, f_lo_hz, scale: out of range");
    return mp_const_none;
}
VAR(motion_init, 4);

// motion_feed(state, rec, at, n)
static mp_obj_t motion_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_motion *state = fixed_state(args[0], sizeof(dsp_motion));
    const int32_t n = get_int(args[3], "n: too large");
    const int32_t *rec = IN(int32_t, "rec", args[1], get_int(args[2], "at: too large"), n);
    check(dsp_motion_feed(state, rec, n, NULL, NULL), "state: never initialised (motion_init)");
    return mp_const_none;
}
VAR(motion_feed, 4);

// motion_read(state, out) -> count: velocity rms, peak, displacement rms, peak to peak
static mp_obj_t motion_read(mp_obj_t state_obj, mp_obj_t out_obj) {
    dsp_motion *state = fixed_state(state_obj, sizeof(dsp_motion));
    float *out = OUT(float, "out", out_obj, 0, 4);
    dsp_motion_set set;
    check(dsp_motion_read(state, &set), "state: nothing settled yet");
    out[0] = set.velocity_rms;
    out[1] = set.velocity_peak;
    out[2] = set.displacement_rms;
    out[3] = set.displacement_peak_to_peak;
    return mp_obj_new_int(set.count);
}
static MP_DEFINE_CONST_FUN_OBJ_2(motion_read_obj, motion_read);

// ---- lines -------------------------------------------------------------------------------------

// peaks(amp, bins, bin_hz, window, least, room, out) -> found; out: (freq_hz, amp) pairs
static mp_obj_t peaks(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t bins = get_int(args[1], "bins: too large");
    const int32_t room = get_int(args[5], "room: too large");
    refuse_unless(room >= 1 && room <= DSP_PEAKS_MAX, "room: not in 1..64");
    const float *amp = IN(float, "amp", args[0], 0, bins);
    float *out = OUT(float, "out", args[6], 0, 2 * room);
    int32_t found = 0;
    check(dsp_peaks(amp, bins, get_float(args[2]), get_int(args[3], "window: too large"),
                    get_float(args[4]), room, (dsp_line *)out, &found),
          "bins, bin_hz, window, least: out of range");
    return mp_obj_new_int(found);
}
VAR(peaks, 7);

// lines(amp, bins, bin_hz, window, base_hz, step_hz, first, count, tolerance, out)
static mp_obj_t lines(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t bins = get_int(args[1], "bins: too large");
    const int32_t count = get_int(args[7], "count: too large");
    refuse_unless(count >= 1 && count < 0x10000, "count: not in 1..65535");
    const float *amp = IN(float, "amp", args[0], 0, bins);
    float *out = OUT(float, "out", args[9], 0, 2 * count);
    check(dsp_lines(amp, bins, get_float(args[2]), get_int(args[3], "window: too large"),
                    get_float(args[4]), get_float(args[5]), get_int(args[6], "first: too large"),
                    count, get_float(args[8]), (dsp_line *)out),
          "bins, bin_hz, window, base_hz, step_hz, first, tolerance: out of range");
    return mp_const_none;
}
VAR(lines, 10);

// line_score(amp, bins, bin_hz, f_hz, side_hz, harmonics, tolerance, out) -> harmonics inside
static mp_obj_t line_score(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t bins = get_int(args[1], "bins: too large");
    const float *amp = IN(float, "amp", args[0], 0, bins);
    float *out = OUT(float, "out", args[7], 0, 6);
    dsp_score score;
    const dsp_status status =
        dsp_line_score(amp, bins, get_float(args[2]), get_float(args[3]), get_float(args[4]),
                       get_int(args[5], "harmonics: too large"), get_float(args[6]), &score);
    refuse_unless(status != DSP_ERR_BAND, "f_hz: outside the spectrum");
    check(status, "bins, bin_hz, f_hz, side_hz, harmonics, tolerance: out of range");
    out[0] = score.freq_hz;
    out[1] = score.amp;
    out[2] = score.background;
    out[3] = score.ratio;
    out[4] = score.family_ratio;
    out[5] = score.sideband_ratio;
    return mp_obj_new_int(score.harmonics);
}
VAR(line_score, 8);

// ---- windows and density -----------------------------------------------------------------------

// spectrum_window(plan, x, at, n, scale, window, work, amp)
static mp_obj_t spectrum_window(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[3], "n: too large");
    const dsp_plan *plan = get_plan_of(args[0], n);
    const int16_t *x = get_samples(args[1], args[2], n);
    float *work = OUT(float, "work", args[6], 0, n);
    float *amp = OUT(float, "amp", args[7], 0, n / 2 + 1);
    check(dsp_spectrum_window(plan, x, get_float(args[4]), get_int(args[5], "window: too large"),
                              work, amp),
          "scale, window: out of range");
    return mp_const_none;
}
VAR(spectrum_window, 8);

static mp_obj_t welch_bytes(mp_obj_t n) {
    return mp_obj_new_int((mp_int_t)dsp_welch_bytes(get_int(n, "n: too large")));
}
static MP_DEFINE_CONST_FUN_OBJ_1(welch_bytes_obj, welch_bytes);

// welch_init(state, n, overlap, window)
static mp_obj_t welch_init(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t bytes;
    void *memory = state_of(args[0], &bytes, BAD_BUFFER("state"));
    dsp_welch *state;
    const dsp_status status =
        dsp_welch_init(get_int(args[1], "n: too large"), get_int(args[2], "overlap: too large"),
                       get_int(args[3], "window: too large"), memory, bytes, &state);
    refuse_unless(status != DSP_ERR_SPACE, BAD_BUFFER("state"));
    check(status, "n, overlap, window: out of range");
    return mp_const_none;
}
VAR(welch_init, 4);

static dsp_welch *get_welch(mp_obj_t obj) {
    size_t bytes;
    void *memory = state_of(obj, &bytes, BAD_BUFFER("state"));
    dsp_welch *state = NULL;
    check(dsp_welch_open(memory, bytes, &state), "state: never initialised (welch_init)");
    return state;
}

// welch_feed(state, plan, x, at, n, work) -> segments
static mp_obj_t welch_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_welch *state = get_welch(args[0]);
    const dsp_plan *plan = get_plan(args[1], "plan: not initialised (plan_init)");
    const int32_t n = get_int(args[4], "n: too large");
    const int16_t *x = get_samples(args[2], args[3], n);
    float *work = OUT(float, "work", args[5], 0, dsp_plan_n(plan));
    check(dsp_welch_feed(state, plan, x, n, work), "plan: of another size than the segments");
    return mp_obj_new_int(dsp_welch_segments(state));
}
VAR(welch_feed, 6);

// welch_psd(state, n, scale, rate_hz, psd)
static mp_obj_t welch_psd(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_welch *state = get_welch(args[0]);
    const int32_t n = get_int(args[1], "n: too large");
    refuse_unless(dsp_welch_n(state) == n, "n: not that of the segments");
    float *psd = OUT(float, "psd", args[4], 0, n / 2 + 1);
    const dsp_status status = dsp_welch_psd(state, get_float(args[2]), get_float(args[3]), psd);
    refuse_unless(status != DSP_ERR_SIZE, "state: no segment yet");
    check(status, "scale, rate_hz: not positive");
    return mp_const_none;
}
VAR(welch_psd, 5);

// ---- envelope as it streams --------------------------------------------------------------------

static dsp_envelope_setup setup_of(const mp_obj_t *args) {
    const dsp_envelope_setup setup = {get_float(args[0]), get_float(args[1]), get_float(args[2]),
                                      get_float(args[3]), get_int(args[4], "points: too large")};
    return setup;
}

#define BAD_SETUP "rate_hz, f_lo_hz, f_hi_hz, f_max_hz, points: not allowed together"

// envelope_stream_bytes(rate_hz, f_lo_hz, f_hi_hz, f_max_hz, points)
static mp_obj_t envelope_stream_bytes(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const dsp_envelope_setup setup = setup_of(args);
    const size_t bytes = dsp_envelope_stream_bytes(&setup);
    refuse_unless(bytes != 0, BAD_SETUP);
    return mp_obj_new_int((mp_int_t)bytes);
}
VAR(envelope_stream_bytes, 5);

// envelope_stream_init(state, rate_hz, f_lo_hz, f_hi_hz, f_max_hz, points) -> bin_hz
static mp_obj_t envelope_stream_init(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t bytes;
    void *memory = state_of(args[0], &bytes, BAD_BUFFER("state"));
    const dsp_envelope_setup setup = setup_of(args + 1);
    dsp_envelope_stream *state;
    const dsp_status status = dsp_envelope_stream_init(&setup, memory, bytes, &state);
    refuse_unless(status != DSP_ERR_SPACE, BAD_BUFFER("state"));
    check(status, BAD_SETUP);
    return mp_obj_new_float_from_f(dsp_envelope_stream_bin_hz(state));
}
VAR(envelope_stream_init, 6);

static dsp_envelope_stream *get_stream(mp_obj_t obj) {
    size_t bytes;
    void *memory = state_of(obj, &bytes, BAD_BUFFER("state"));
    dsp_envelope_stream *state = NULL;
    check(dsp_envelope_stream_open(memory, bytes, &state),
          "state: never initialised (envelope_stream_init)");
    return state;
}

static mp_obj_t envelope_stream_reset(mp_obj_t state) {
    dsp_envelope_stream_reset(get_stream(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(envelope_stream_reset_obj, envelope_stream_reset);

static mp_obj_t envelope_stream_span(mp_obj_t state) {
    return mp_obj_new_int(dsp_envelope_stream_span(get_stream(state)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(envelope_stream_span_obj, envelope_stream_span);

static mp_obj_t envelope_stream_missing(mp_obj_t state) {
    return mp_obj_new_int(dsp_envelope_stream_missing(get_stream(state)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(envelope_stream_missing_obj, envelope_stream_missing);

// envelope_stream_feed(state, x, at, n) -> used
static mp_obj_t envelope_stream_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_envelope_stream *state = get_stream(args[0]);
    const int32_t n = get_int(args[3], "n: too large");
    const int16_t *x = get_samples(args[1], args[2], n);
    int32_t used = 0;
    check(dsp_envelope_stream_feed(state, x, n, &used), "n: negative");
    return mp_obj_new_int(used);
}
VAR(envelope_stream_feed, 4);

// envelope_stream_spectrum(state, plan, scale, bins, work, amp)
static mp_obj_t envelope_stream_spectrum(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    dsp_envelope_stream *state = get_stream(args[0]);
    const dsp_plan *plan = get_plan(args[1], "plan: not initialised (plan_init)");
    const int32_t bins = get_int(args[3], "bins: too large");
    float *work = OUT(float, "work", args[4], 0, dsp_plan_n(plan));
    float *amp = OUT(float, "amp", args[5], 0, bins);
    const dsp_status status =
        dsp_envelope_stream_spectrum(state, plan, get_float(args[2]), bins, work, amp);
    refuse_unless(status != DSP_ERR_SIZE, "plan: of another size; or state: record not full");
    refuse_unless(status != DSP_ERR_BAND, "bins: not in 1..points/2");
    check(status, "scale: not positive");
    return mp_const_none;
}
VAR(envelope_stream_spectrum, 6);

// ---- band by kurtosis --------------------------------------------------------------------------

static mp_obj_t kurtogram_bands(mp_obj_t n, mp_obj_t parts) {
    return mp_obj_new_int(
        dsp_kurtogram_bands(get_int(n, "n: too large"), get_int(parts, "parts_max: too large")));
}
static MP_DEFINE_CONST_FUN_OBJ_2(kurtogram_bands_obj, kurtogram_bands);

static mp_obj_t kurtogram_bytes(mp_obj_t n) {
    return mp_obj_new_int((mp_int_t)dsp_kurtogram_bytes(get_int(n, "n: too large")));
}
static MP_DEFINE_CONST_FUN_OBJ_1(kurtogram_bytes_obj, kurtogram_bytes);

// kurtogram_add(y, n, parts_max, work, sums)
static mp_obj_t kurtogram_add(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[1], "n: too large");
    const int32_t parts = get_int(args[2], "parts_max: too large");
    const int32_t bands = dsp_kurtogram_bands(n, parts);
    refuse_unless(bands != 0, "n, parts_max: out of range");
    const float *y = IN(float, "y", args[0], 0, n);
    size_t bytes;
    void *work = state_of(args[3], &bytes, BAD_BUFFER("work"));
    check(dsp_kurtogram_add(y, n, parts, work, bytes, OUT(float, "sums", args[4], 0, 2 * bands)),
          BAD_BUFFER("work"));
    return mp_const_none;
}
VAR(kurtogram_add, 5);

// kurtogram_best(sums, n, parts_max, blocks, k_from, k_to, out) -> kurtosis; out: ints k_lo, k_hi
static mp_obj_t kurtogram_best(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const int32_t n = get_int(args[1], "n: too large");
    const int32_t parts = get_int(args[2], "parts_max: too large");
    const float *sums = IN(float, "sums", args[0], 0, 2 * dsp_kurtogram_bands(n, parts));
    int32_t *out = OUT(int32_t, "out", args[6], 0, 2);
    int32_t band = 0;
    float kurtosis = 0.0f;
    const dsp_status status =
        dsp_kurtogram_best(sums, n, parts, get_int(args[3], "blocks: too large"),
                           get_int(args[4], "k_from: too large"),
                           get_int(args[5], "k_to: too large"), &band, &kurtosis);
    refuse_unless(status != DSP_ERR_BAND, "k_from, k_to: no band lies between");
    check(status, "n, parts_max, blocks: out of range");
    check(dsp_kurtogram_band(n, parts, band, out, out + 1), "n, parts_max: out of range");
    return mp_obj_new_float_from_f(kurtosis);
}
VAR(kurtogram_best, 7);

// ---- decimation by powers of two ---------------------------------------------------------------

static mp_obj_t halfband_bytes(mp_obj_t stages) {
    return mp_obj_new_int((mp_int_t)dsp_halfband_bytes(get_int(stages, "stages: too large")));
}
static MP_DEFINE_CONST_FUN_OBJ_1(halfband_bytes_obj, halfband_bytes);

static mp_obj_t halfband_init(mp_obj_t state_obj, mp_obj_t stages) {
    size_t bytes;
    void *memory = state_of(state_obj, &bytes, BAD_BUFFER("state"));
    dsp_halfband *state;
    const dsp_status status =
        dsp_halfband_init(get_int(stages, "stages: too large"), memory, bytes, &state);
    refuse_unless(status != DSP_ERR_SIZE, "stages: not in 1..8");
    check(status, BAD_BUFFER("state"));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(halfband_init_obj, halfband_init);

// halfband_feed(state, x, at, n, out, out_at) -> produced
static mp_obj_t halfband_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t bytes;
    void *memory = state_of(args[0], &bytes, BAD_BUFFER("state"));
    dsp_halfband *state = NULL;
    check(dsp_halfband_open(memory, bytes, &state), "state: never initialised (halfband_init)");
    const int32_t n = get_int(args[3], "n: too large");
    const int16_t *x = get_samples(args[1], args[2], n);
    const int32_t out_at = get_int(args[5], "out_at: too large");
    int32_t *out = OUT(int32_t, "out", args[4], out_at, 0);
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[4], &info, MP_BUFFER_RW);
    const int32_t room = (int32_t)(info.len / sizeof(int32_t)) - out_at;
    int32_t produced = 0;
    check(dsp_halfband_feed(state, x, n, room, out, &produced), "out: too short");
    return mp_obj_new_int(produced);
}
VAR(halfband_feed, 6);

// ---- air ---------------------------------------------------------------------------------------

static mp_obj_t gas_bytes(void) {
    return mp_obj_new_int(sizeof(dsp_gas));
}
static MP_DEFINE_CONST_FUN_OBJ_0(gas_bytes_obj, gas_bytes);

// gas_init(state, gas, interval_s): gas 0 VOC, 1 NOx
static mp_obj_t gas_init(mp_obj_t state, mp_obj_t gas, mp_obj_t interval) {
    check(dsp_gas_init(get_int(gas, "gas: too large"), get_float(interval), NULL,
                       fixed_state(state, sizeof(dsp_gas))),
          "gas, interval_s: out of range");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(gas_init_obj, gas_init);

// gas_process(state, sraw) -> index
static mp_obj_t gas_process(mp_obj_t state, mp_obj_t sraw) {
    int32_t index = 0;
    check(dsp_gas_process(fixed_state(state, sizeof(dsp_gas)), get_int(sraw, "sraw: too large"),
                          &index),
          "state: never initialised (gas_init)");
    return mp_obj_new_int(index);
}
static MP_DEFINE_CONST_FUN_OBJ_2(gas_process_obj, gas_process);
