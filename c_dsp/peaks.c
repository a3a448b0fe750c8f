// Lines of an amplitude spectrum: picking, interpolation, families, local background.
#include "condition.h"

// Values are not negative, so their bits sort as they do: the middle one is found bit by bit.
float dsp_median(const float amp[], int32_t first, int32_t last, int32_t hole_first,
                 int32_t hole_last) {
    int32_t total = 0;
    for (int32_t k = first; k <= last; k++) {
        total += k < hole_first || k > hole_last;
    }
    union {
        uint32_t u;
        float f;
    } middle = {0}, value;
    for (uint32_t bit = 0x40000000u; bit != 0; bit >>= 1) {
        const uint32_t candidate = middle.u | bit;
        int32_t below = 0;
        for (int32_t k = first; k <= last; k++) {
            value.f = amp[k];
            below += (k < hole_first || k > hole_last) && value.u < candidate;
        }
        middle.u = below <= (total - 1) / 2 ? candidate : middle.u;
    }
    return middle.f;
}

// Hann: the ratio r of the larger neighbour to the largest bin gives the offset exactly,
// d = (2r - 1)/(r + 1), and the lobe at d the amplitude: A = amp[k] pi d (1 - d²) / sin(pi d).
static void interpolate_hann(float before, float at, float after, float *offset, float *line) {
    const float larger = before > after ? before : after;
    float d = (2.0f * larger - at) / (larger + at);
    d = d < 0.0f ? 0.0f : d > 0.5f ? 0.5f : d;
    *line = at;
    if (d > 1e-3f) {
        float sine, cosine;
        dsp_sincos(dsp_phase(0.5f * d), &sine, &cosine);
        *line = at * DSP_PI * d * (1.0f - d * d) / sine;
    }
    *offset = before > after ? -d : d;
}

// Any bell: a parabola through the logarithms.
static void interpolate_log(float before, float at, float after, float *offset, float *line) {
    const float tiny = 1.2e-38f;
    const float b = dsp_log2(at > tiny ? at : tiny);
    const float a = dsp_log2(before > tiny ? before : tiny) - b;
    const float c = dsp_log2(after > tiny ? after : tiny) - b;
    const float bend = a + c;  // <= 0 at a maximum
    const float d = bend < 0.0f ? 0.5f * (a - c) / bend : 0.0f;
    *offset = d;
    *line = at * dsp_exp2(-0.25f * (a - c) * d);
}

void dsp_interpolate(const float amp[], int32_t k, int32_t window, float *bin, float *line) {
    float offset = 0.0f;
    *line = amp[k];
    if (amp[k] > 0.0f && amp[k] >= amp[k - 1] && amp[k] >= amp[k + 1]) {
        if (window == DSP_WINDOW_HANN) {
            interpolate_hann(amp[k - 1], amp[k], amp[k + 1], &offset, line);
        } else {
            interpolate_log(amp[k - 1], amp[k], amp[k + 1], &offset, line);
            *line = window == DSP_WINDOW_FLAT_TOP ? amp[k] : *line;  // flat: the bin is right
        }
    }
    *bin = (float)k + offset;
}

// Puts bin k among the found, largest first; returns how many there are then.
static int32_t insert(const float amp[], int32_t k, int32_t found, int32_t room, int32_t best[]) {
    int32_t at = found;
    while (at > 0 && amp[best[at - 1]] < amp[k]) {
        at--;
    }
    if (at >= room) {
        return found;
    }
    const int32_t now = found < room ? found + 1 : room;
    for (int32_t i = now - 1; i > at; i--) {
        best[i] = best[i - 1];
    }
    best[at] = k;
    return now;
}

dsp_status dsp_peaks(const float amp[], int32_t bins, float bin_hz, int32_t window, float least,
                     int32_t room, dsp_line out[], int32_t *found) {
    if (bins < 3 || room < 1 || room > DSP_PEAKS_MAX) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(bin_hz) || !dsp_is_window(window) || !(least >= 0.0f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(amp, bins), DSP_OUT(out, room), DSP_OUT(found, 1));
    int32_t best[DSP_PEAKS_MAX];
    int32_t count = 0;
    for (int32_t k = 1; k < bins - 1; k++) {
        if (amp[k] > least && amp[k] > amp[k - 1] && amp[k] >= amp[k + 1]) {
            count = insert(amp, k, count, room, best);
        }
    }
    for (int32_t i = 0; i < count; i++) {
        float bin;
        dsp_interpolate(amp, best[i], window, &bin, &out[i].amp);
        out[i].freq_hz = bin * bin_hz;
    }
    *found = count;
    return DSP_OK;
}

static int32_t largest(const float amp[], int32_t first, int32_t last) {
    int32_t best = first;
    for (int32_t k = first + 1; k <= last; k++) {
        best = amp[k] > amp[best] ? k : best;
    }
    return best;
}

// Bins about f, at least the nearest and its neighbours, within 1..bins-2. 0: outside.
static int near_bins(float f_hz, float bin_hz, float tolerance, int32_t bins, int32_t *first,
                     int32_t *last) {
    const float q = f_hz / bin_hz;
    if (!(q >= 1.0f && q <= (float)(bins - 2))) {
        return 0;
    }
    const int32_t nearest = (int32_t)(q + 0.5f);
    const int32_t reach = 1 + (int32_t)(tolerance * q);
    *first = nearest - reach < 1 ? 1 : nearest - reach;
    *last = nearest + reach > bins - 2 ? bins - 2 : nearest + reach;
    return 1;
}

dsp_status dsp_lines(const float amp[], int32_t bins, float bin_hz, int32_t window, float base_hz,
                     float step_hz, int32_t first, int32_t count, float tolerance, dsp_line out[]) {
    if (bins < 3 || count < 1 || first < -1000000 || first > 1000000 || count > 1000000) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(bin_hz) || !dsp_is_window(window) || !(base_hz >= 0.0f) ||
        !dsp_is_finite(base_hz) || !dsp_is_positive(step_hz) ||
        !(tolerance >= 0.0f && tolerance <= 0.1f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(amp, bins), DSP_OUT(out, count));
    for (int32_t i = 0; i < count; i++) {
        int32_t lo, hi;
        const float f_hz = base_hz + (float)(first + i) * step_hz;
        out[i].freq_hz = 0.0f;
        out[i].amp = 0.0f;
        if (near_bins(f_hz, bin_hz, tolerance, bins, &lo, &hi)) {
            float bin;
            dsp_interpolate(amp, largest(amp, lo, hi), window, &bin, &out[i].amp);
            out[i].freq_hz = bin * bin_hz;
        }
    }
    return DSP_OK;
}

#define BACKGROUND 40  // bins on each side
#define GUARD 2        // bins that a line's own lobe reaches

typedef struct {
    float line, background;
    int32_t bin;  // 0: outside the spectrum
} probe;

static probe look(const float amp[], int32_t bins, float bin_hz, float f_hz, float tolerance) {
    probe p = {0.0f, 0.0f, 0};
    int32_t lo, hi;
    if (near_bins(f_hz, bin_hz, tolerance, bins, &lo, &hi)) {
        const int32_t first = lo - BACKGROUND < 1 ? 1 : lo - BACKGROUND;
        const int32_t last = hi + BACKGROUND > bins - 1 ? bins - 1 : hi + BACKGROUND;
        p.bin = largest(amp, lo, hi);
        p.line = amp[p.bin];
        p.background = dsp_median(amp, first, last, lo - GUARD, hi + GUARD);
    }
    return p;
}

static float ratio_of(float line, float background) {
    return background > 0.0f ? line / background : 0.0f;
}

// Sums over a family of lines, so that one harmonic more or less of pure noise changes nothing.
static void add(probe p, float *line, float *background) {
    *line += p.line;
    *background += p.background;
}

dsp_status dsp_line_score(const float amp[], int32_t bins, float bin_hz, float f_hz, float side_hz,
                          int32_t harmonics, float tolerance, dsp_score *out) {
    if (bins < DSP_SCORE_BINS_MIN || harmonics < 1 || harmonics > DSP_HARMONICS_MAX) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(bin_hz) || !dsp_is_positive(f_hz) || !(side_hz >= 0.0f) ||
        !dsp_is_finite(side_hz) || !(tolerance >= 0.0f && tolerance <= 0.1f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(amp, bins), DSP_OUT(out, 1));
    const probe one = look(amp, bins, bin_hz, f_hz, tolerance);
    if (one.bin == 0) {
        return DSP_ERR_BAND;
    }
    float lines = 0.0f, floor = 0.0f, side_lines = 0.0f, side_floor = 0.0f;
    dsp_score score = {0};
    for (int32_t h = 1; h <= harmonics; h++) {
        const probe p = look(amp, bins, bin_hz, (float)h * f_hz, tolerance);
        add(p, &lines, &floor);
        score.harmonics += p.bin != 0;
        for (int32_t side = -1; side <= 1 && side_hz > 0.0f; side += 2) {
            const float f = (float)h * f_hz + (float)side * side_hz;
            add(look(amp, bins, bin_hz, f, tolerance), &side_lines, &side_floor);
        }
    }
    float bin;
    dsp_interpolate(amp, one.bin, DSP_WINDOW_HANN, &bin, &score.amp);
    score.freq_hz = bin * bin_hz;
    score.background = one.background;
    score.ratio = ratio_of(one.line, one.background);
    score.family_ratio = ratio_of(lines, floor);
    score.sideband_ratio = ratio_of(side_lines, side_floor);
    *out = score;
    return DSP_OK;
}
