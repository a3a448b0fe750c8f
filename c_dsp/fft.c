// Real FFT by decimation in time: conjugate-pair radix 8, half-complex, in place.
//
// n = L 8^P with L in {4, 8, 16}. With w = exp(-2 pi i / n) and m = n/8, split x by residues
// r = 0, +-1, +-2, +-3, 4 into Y_r = DFT_m of x[8 t + r]:
//   X[k + m q] = sum_r w^(r k) e^(-2 pi i r q / 8) Y_r[k]
// The residues -1, -2, -3 (instead of 7, 6, 5) make the twiddles of a pair conjugate, so that four
// serve seven products: with w^r = c - i s, a = Y_r[k], b = Y_-r[k], the pair enters as
//   cos(2 pi r q / 8) S - i sin(2 pi r q / 8) D,   S = w^r a + w^-r b,   D = w^r a - w^-r b
// Kamar & Elcherif (1989) for conjugate pairs; Sorensen et al. (1987) for the half-complex layout.
//
// Recursion ends in leaves of L points that read the input through the residues' digits (no bit
// reversal pass); the passes then work in place, group r of a pass at r m, residues in the order
// 0 1 2 3 4 -3 -2 -1.
//
// Strides known to the compiler save a quarter of the instructions: DSP_SPECIALISE (config.h) says
// for which sizes. The bits do not depend on it.
#define real float
#include "fft_kernel.h"

// ---- leaves ------------------------------------------------------------------------------------

DSP_INLINE float load(dsp_from from, const dsp_source *s, int32_t i) {
    switch (from) {
    case DSP_FROM_F32:
        return ((const float *)s->data)[i];
    case DSP_FROM_I16:
        return (float)(((const int16_t *)s->data)[i] - s->mean);
    case DSP_FROM_I32:
        // Unsigned: a difference beyond 32 bits wraps, which is defined.
        return (float)(int32_t)((uint32_t)((const int32_t *)s->data)[i] - (uint32_t)s->mean);
    case DSP_FROM_BAND:
        return i < s->count ? ((const float *)s->data)[s->step * i] : 0.0f;
    }
    return 0.0f;
}

// What a leaf reads: its samples lie `groups` apart. `wrapped` is what is added to the first one.
DSP_INLINE void one_leaf(dsp_from from, int32_t L, int is_windowed, const dsp_source *s,
                         const float *window, int32_t first, int32_t wrapped, int32_t groups,
                         float y[]) {
    float x[16];
    DSP_UNROLL
    for (int32_t i = 0; i < L; i++) {
        const int32_t at = first + i * groups + (i == 0 ? wrapped : 0);
        x[i] = load(from, s, at);
        if (is_windowed) {
            x[i] *= window[at];
            DSP_ROUND(x[i]);
        }
    }
    leaf(L, x, y);
}

// Leaves in the order of their first samples, which are consecutive: with P digits, each of them a
// residue -3..4, from -3 (8^P - 1)/7 up. Before the start only the first sample can lie: it wraps.
DSP_INLINE void leaves(dsp_from from, int32_t L, int is_windowed, const dsp_source *s,
                       const float *window, int32_t n, int32_t passes, float y[]) {
    const int32_t groups = n / L;
    const int32_t lowest = -3 * ((groups - 1) / 7);
    for (int32_t first = lowest; first < 0; first++) {
        float *to = y + L * place(first, passes);
        one_leaf(from, L, is_windowed, s, window, first, n, groups, to);
    }
    for (int32_t first = 0; first < lowest + groups; first++) {
        float *to = y + L * place(first, passes);
        one_leaf(from, L, is_windowed, s, window, first, 0, groups, to);
    }
}

// `from` and L become constants here.
DSP_INLINE void leaves_of(dsp_from from, int is_windowed, int32_t sizes, const dsp_plan *plan,
                          const dsp_source *s, const float *window, float y[]) {
    if ((sizes & (256 | 2048 | 16384)) != 0 && plan->leaf == 4) {
        leaves(from, 4, is_windowed, s, window, plan->n, plan->passes, y);
    } else if ((sizes & (512 | 4096)) != 0 && plan->leaf == 8) {
        leaves(from, 8, is_windowed, s, window, plan->n, plan->passes, y);
    } else if ((sizes & (1024 | 8192)) != 0 && plan->leaf == 16) {
        leaves(from, 16, is_windowed, s, window, plan->n, plan->passes, y);
    }
}

// Floats have specialised sizes, each of them a function of its own: leaves_1024, windowed_1024.
#define LEAVES(n, L, passes)                                                                       \
    static DSP_NOINLINE void leaves_##n(const float *x, float *y) {                                \
        const dsp_source s = {DSP_FROM_F32, x, 0, 1, n};                                           \
        leaves(DSP_FROM_F32, L, 0, &s, NULL, n, passes, y);                                        \
    }                                                                                              \
    static DSP_NOINLINE void windowed_##n(const float *x, const float *window, float *y) {         \
        const dsp_source s = {DSP_FROM_F32, x, 0, 1, n};                                           \
        leaves(DSP_FROM_F32, L, 1, &s, window, n, passes, y);                                      \
    }
LEAVES(256, 4, 2)
LEAVES(512, 8, 2)
LEAVES(1024, 16, 2)
LEAVES(2048, 4, 3)
LEAVES(4096, 8, 3)
LEAVES(8192, 16, 3)

#define EACH_SIZE(DO) DO(256) DO(512) DO(1024) DO(2048) DO(4096) DO(8192)

#if DSP_SMALL

// One loop for every source and leaf, which asks at each sample what it reads.
static DSP_NOINLINE void leaves_any(const dsp_plan *plan, const dsp_source *s, float y[]) {
    const int32_t L = plan->leaf, groups = plan->n / L;
    const int32_t lowest = -3 * ((groups - 1) / 7);
    for (int32_t first = lowest; first < lowest + groups; first++) {
        float x[16];
        int32_t at = first < 0 ? first + plan->n : first;
        for (int32_t i = 0; i < L; i++) {
            x[i] = load(s->from, s, at);
            at = first + (i + 1) * groups;
        }
        float *to = y + L * place(first, plan->passes);
        if (L == 4) {
            leaf(4, x, to);
        } else if (L == 8) {
            leaf(8, x, to);
        } else {
            leaf(16, x, to);
        }
    }
}

#endif

// Where the twiddles of the pass that joins groups of m begin, and how far apart they are.
static const float *twiddles_of(const dsp_plan *plan, int32_t m, int32_t *step) {
    int32_t span;  // the pass that joins groups of `span` uses every entry of the table
    const float *table = dsp_plan_table(plan, &span);
    *step = 8 * (span / m);
    return table + *step - 8;
}

// All leaves, and the first pass where that is done with them. Returns how large the groups are.
// `next` is what will be read after x, or NULL.
static int32_t leaves_f32(const dsp_plan *plan, const float x[], const float *next, float y[]) {
    (void)next;
#if DSP_SMALL
    const dsp_source s = {DSP_FROM_F32, x, 0, 1, plan->n};
    leaves_any(plan, &s, y);
    return plan->leaf;
#elif DSP_HAS_LANES
    int32_t step;
    const float *tw = twiddles_of(plan, plan->leaf, &step);
    dsp_leaves_by_lanes(plan, x, next, tw, step, y);
    return 8 * plan->leaf;
#else
#define TRY(size)                                                                                  \
    if ((DSP_SPECIALISE & size) != 0 && plan->n == size) {                                         \
        leaves_##size(x, y);                                                                       \
        return plan->leaf;                                                                         \
    }
    EACH_SIZE(TRY)
#undef TRY
    const dsp_source s = {DSP_FROM_F32, x, 0, 1, plan->n};
    leaves_of(DSP_FROM_F32, 0, DSP_SIZES & ~DSP_SPECIALISE, plan, &s, NULL, y);
    return plan->leaf;
#endif
}

static void leaves_f32_window(const dsp_plan *plan, const float x[], const float window[],
                              float y[]) {
#define TRY(size)                                                                                  \
    if ((DSP_SPECIALISE & size) != 0 && plan->n == size) {                                         \
        windowed_##size(x, window, y);                                                             \
        return;                                                                                    \
    }
    EACH_SIZE(TRY)
#undef TRY
    const dsp_source s = {DSP_FROM_F32, x, 0, 1, plan->n};
    leaves_of(DSP_FROM_F32, 1, DSP_SIZES & ~DSP_SPECIALISE, plan, &s, window, y);
}

#if DSP_SMALL
#define leaves_i16 leaves_any
#define leaves_i32 leaves_any
#define leaves_band leaves_any
#else

static DSP_NOINLINE void leaves_i16(const dsp_plan *plan, const dsp_source *s, float y[]) {
    leaves_of(DSP_FROM_I16, 0, DSP_SIZES, plan, s, NULL, y);
}

static DSP_NOINLINE void leaves_i32(const dsp_plan *plan, const dsp_source *s, float y[]) {
    leaves_of(DSP_FROM_I32, 0, DSP_SIZES, plan, s, NULL, y);
}

static DSP_NOINLINE void leaves_band(const dsp_plan *plan, const dsp_source *s, float y[]) {
    leaves_of(DSP_FROM_BAND, 0, DSP_SIZES, plan, s, NULL, y);
}

#endif

// ---- passes ------------------------------------------------------------------------------------

// Joins groups of 8 m into one. Entry k of the twiddles is `step` floats after entry k - 1.
DSP_INLINE void pass(float *g, int32_t n, layout a, const float *twiddles, int32_t step) {
    const int32_t m = a.m;
    for (const float *end = g + n; g < end; g += 8 * m) {
        const float dc[8] = {g[0],     g[m],     g[2 * m], g[3 * m],
                             g[4 * m], g[5 * m], g[6 * m], g[7 * m]};
        butterfly_real(dc, m, g);
        butterfly_half(g + m / 2, m);
        float *p[4], *r[4];
        DSP_UNROLL
        for (int32_t j = 0; j < 8 / a.rows; j++) {
            p[j] = g + 1 + j * a.rows * m + a.middle;
            r[j] = p[j] + m - 2;
            DSP_OPAQUE(p[j]);
            DSP_OPAQUE(r[j]);
        }
        const float *tw = twiddles;
        for (int32_t left = m / 2 - 1; left > 0; left--, tw += step) {
            butterfly(p, r, a, tw);
            DSP_UNROLL
            for (int32_t j = 0; j < 8 / a.rows; j++) {
                p[j]++;
                r[j]--;
            }
        }
    }
}

#define PASS(m)                                                                                    \
    static DSP_NOINLINE void pass_##m(float *y, int32_t n, const float *tw, int32_t step) {        \
        pass(y, n, layout_of(m), tw, step);                                                        \
    }
PASS(4)
PASS(8)
PASS(16)
PASS(32)
PASS(64)
PASS(128)
PASS(256)
PASS(512)
PASS(1024)

static DSP_NOINLINE void pass_any(float *y, int32_t n, int32_t m, const float *tw, int32_t step) {
    const layout a = {m, 8, 0};
    pass(y, n, a, tw, step);
}

// Is the pass that joins groups of m part of a specialised size?
#define HAS_PASS(m) ((DSP_SPECIALISE & ((m) << 3 | (m) << 6 | (m) << 9 | (m) << 12)) != 0)
#define CASE(m)                                                                                    \
    case m:                                                                                        \
        if (HAS_PASS(m)) {                                                                         \
            pass_##m(y, n, tw, step);                                                              \
            return;                                                                                \
        }                                                                                          \
        break;

#if DSP_HAS_LANES

static void pass_by_lanes(float *y, int32_t n, int32_t m, const float *tw, int32_t step) {
    for (float *g = y; g < y + n; g += 8 * m) {
        butterfly_ends(g, m);
    }
    dsp_bins_by_lanes(y, n, m, tw, step);
}

static void one_pass(float *y, int32_t n, int32_t m, const float *tw, int32_t step) {
    if (m == 4) {
        dsp_pass4_by_lanes(y, n, tw);
    } else {
        pass_by_lanes(y, n, m, tw, step);
    }
}

#else

static void one_pass(float *y, int32_t n, int32_t m, const float *tw, int32_t step) {
    switch (m) {
        CASE(4)
        CASE(8)
        CASE(16)
        CASE(32)
        CASE(64)
        CASE(128)
        CASE(256)
        CASE(512)
        CASE(1024)
    }
    if ((DSP_SIZES & ~DSP_SPECIALISE) != 0) {
        pass_any(y, n, m, tw, step);
    }
}

#endif

static void passes_from(const dsp_plan *plan, int32_t m, int32_t n, float y[]) {
    for (; m < n; m *= 8) {
        int32_t step;
        const float *tw = twiddles_of(plan, m, &step);
        one_pass(y, n, m, tw, step);
    }
}

// From groups of m on. The eighths of a record longer than 8192 come first, each of them while it is
// in a cache.
static void passes(const dsp_plan *plan, int32_t m, float y[]) {
    const int32_t n = plan->n;
    if (n > 8192) {
        for (int32_t part = 0; part < n; part += n / 8) {
            passes_from(plan, m, n / 8, y + part);
        }
        m = n / 8;
    }
    passes_from(plan, m, n, y);
}

void dsp_transform(const dsp_plan *plan, const dsp_source *source, float y[]) {
    int32_t m = plan->leaf;
    switch (source->from) {
    case DSP_FROM_F32:
        m = leaves_f32(plan, source->data, NULL, y);
        break;
    case DSP_FROM_I16:
        leaves_i16(plan, source, y);
        break;
    case DSP_FROM_I32:
        leaves_i32(plan, source, y);
        break;
    case DSP_FROM_BAND:
        leaves_band(plan, source, y);
        break;
    }
    passes(plan, m, y);
}

// ---- interface ---------------------------------------------------------------------------------

dsp_status dsp_rfft_f32(const dsp_plan *plan, const float x[], float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, plan->n), DSP_OUT(y, plan->n));
    // Not dsp_transform: a linker can drop what is not called.
    const int32_t m = leaves_f32(plan, x, NULL, y);
    passes(plan, m, y);
    return DSP_OK;
}

// One value of each line of a cache: written in order, they are fetched ahead, and leaves are not.
static void sweep(float y[], int32_t n) {
    for (int32_t i = 0; i < n; i += 16) {
        y[i] = 0.0f;
    }
}

dsp_status dsp_rfft_f32_rows(const dsp_plan *plan, const float x[], int32_t rows, float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    if (rows < 0) {
        return DSP_ERR_SIZE;
    }
    const size_t values = (size_t)rows * (size_t)plan->n;
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, values), DSP_OUT(y, values));
    for (int32_t row = 0; row < rows; row++, x += plan->n, y += plan->n) {
        if (DSP_HAS_LANES) {  // a processor with caches
            sweep(y, plan->n);
        }
        const int32_t m = leaves_f32(plan, x, row + 1 < rows ? x + plan->n : NULL, y);
        passes(plan, m, y);
    }
    return DSP_OK;
}

dsp_status dsp_rfft_f32_window(const dsp_plan *plan, const float x[], const float window[],
                               float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, plan->n), DSP_IN(window, plan->n), DSP_OUT(y, plan->n));
    leaves_f32_window(plan, x, window, y);
    passes(plan, plan->leaf, y);
    return DSP_OK;
}

// n is a power of two: the rounded mean is a shift, and 64-bit division stays out.
DSP_INLINE int32_t rounded_mean(int64_t sum, int32_t n) {
    return (int32_t)((sum + n / 2) >> dsp_bits(n));
}

dsp_status dsp_rfft_i16(const dsp_plan *plan, const int16_t x[], float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, plan->n), DSP_OUT(y, plan->n));
    int32_t sum = 0;                            // 2^15 * 2^14 fits
    for (int32_t i = 0; i < plan->n; i += 8) {  // one by one, counting costs more than adding
        DSP_UNROLL
        for (int32_t k = 0; k < 8; k++) {
            sum += x[i + k];
        }
    }
    const dsp_source source = {DSP_FROM_I16, x, rounded_mean(sum, plan->n), 1, plan->n};
    dsp_transform(plan, &source, y);
    y[0] = 0.0f;
    return DSP_OK;
}

dsp_status dsp_rfft_i32(const dsp_plan *plan, const int32_t x[], float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_PLAN(plan), DSP_IN(x, plan->n), DSP_OUT(y, plan->n));
    int64_t sum = 0;
    for (int32_t i = 0; i < plan->n; i++) {
        sum += x[i];
    }
    const dsp_source source = {DSP_FROM_I32, x, rounded_mean(sum, plan->n), 1, plan->n};
    dsp_transform(plan, &source, y);
    y[0] = 0.0f;
    return DSP_OK;
}
