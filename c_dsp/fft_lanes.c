// The real FFT by vectors of 4 floats, where the processor has them: each lane carries its own values
// through the arithmetic of fft_kernel.h, so that the results are those of fft.c, bit for bit. The
// lanes are neighbouring leaves, then neighbouring bins. fft.c does what is left over.
#include "internal.h"

#if DSP_HAS_LANES

#define LANES 4
// Any float of the caller's may begin one.
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
#define real lanes
#include "fft_kernel.h"

// ---- one transform -----------------------------------------------------------------------------

DSP_INLINE real get(const float *at) {
    return *(const lanes *)at;
}

DSP_INLINE void put(float *at, real v) {
    *(lanes *)at = v;
}

DSP_INLINE real reversed(real v) {
    return __builtin_shufflevector(v, v, 3, 2, 1, 0);
}

DSP_INLINE real blend(ints mask, real where_set, real elsewhere) {
    return (real)((mask & (ints)where_set) | (~mask & (ints)elsewhere));
}

DSP_INLINE void transpose(const real v[4], real t[4]) {
    const real ab = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    const real cd = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const real ef = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const real gh = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    t[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    t[1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    t[2] = __builtin_shufflevector(ef, gh, 0, 1, 4, 5);
    t[3] = __builtin_shufflevector(ef, gh, 2, 3, 6, 7);
}

// Leaves first..first+3, all of which wrap or none.
DSP_INLINE void four_leaves(const float x[], int32_t L, int32_t n, int32_t passes, int32_t first,
                            float y[]) {
    const int32_t groups = n / L;
    real v[16], out[16];
    DSP_UNROLL
    for (int32_t i = 0; i < L; i++) {
        v[i] = get(x + first + i * groups + (i == 0 && first < 0 ? n : 0));
    }
    leaf(L, v, out);
    float *to[4];
    DSP_UNROLL
    for (int32_t lane = 0; lane < LANES; lane++) {
        to[lane] = y + L * place(first + lane, passes);
    }
    DSP_UNROLL
    for (int32_t i = 0; i < L; i += LANES) {
        real t[4];
        transpose(out + i, t);
        DSP_UNROLL
        for (int32_t lane = 0; lane < LANES; lane++) {
            put(to[lane] + i, t[lane]);
        }
    }
}

// The first leaves of each kind, four at a time: wrapping ones from *first_wrapped, others from 0.
// What is left, fewer than four of either kind, is the caller's.
DSP_INLINE void leaves_by_four(const float x[], int32_t L, int32_t n, int32_t passes, float y[],
                               int32_t *first_wrapped, int32_t *first_other) {
    const int32_t end = *first_wrapped + n / L;
    while (*first_wrapped + LANES <= 0) {
        four_leaves(x, L, n, passes, *first_wrapped, y);
        *first_wrapped += LANES;
    }
    while (*first_other + LANES <= end) {
        four_leaves(x, L, n, passes, *first_other, y);
        *first_other += LANES;
    }
}

void dsp_leaves_by_lanes(const dsp_plan *plan, const float x[], float y[], int32_t *first_wrapped,
                         int32_t *first_other) {
    const int32_t n = plan->n, passes = plan->passes;
    if (plan->leaf == 4) {
        leaves_by_four(x, 4, n, passes, y, first_wrapped, first_other);
    } else if (plan->leaf == 8) {
        leaves_by_four(x, 8, n, passes, y, first_wrapped, first_other);
    } else {
        leaves_by_four(x, 16, n, passes, y, first_wrapped, first_other);
    }
}

// A butterfly of vectors wants its rows in memory, one after the other: they are collected, joined
// and put back. Lane j is bin k + j; those from `count` on keep what they were.
DSP_INLINE void four_bins(float *p, float *r, int32_t m, const float *tw, int32_t step,
                          int32_t count) {
    real v[16], before[16], w[8];
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        before[i] = v[i] = get(p + i * m);
        before[8 + i] = v[8 + i] = reversed(get(r + i * m - 3));
    }
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i += LANES) {
        real rows[4];
        DSP_UNROLL
        for (int32_t lane = 0; lane < LANES; lane++) {
            rows[lane] = get(tw + (lane < count ? lane : 0) * step + i);
        }
        transpose(rows, w + i);
    }
    const layout a = {1, 8, 0};
    real *const pv[4] = {v}, *const rv[4] = {v + 8};
    butterfly(pv, rv, a, w);
    const ints lane = {0, 1, 2, 3};
    const ints kept = lane >= count;
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        if (count < LANES) {
            v[i] = blend(kept, before[i], v[i]);
            v[8 + i] = blend(kept, before[8 + i], v[8 + i]);
        }
        put(p + i * m, v[i]);
        put(r + i * m - 3, reversed(v[8 + i]));
    }
}

// Bins 1..m/2-1 of one butterfly group, m >= 8. The last vector reaches one bin too far, to m/2.
void dsp_bins_by_lanes(float *g, int32_t m, const float *tw, int32_t step) {
    float *p = g + 1, *r = g + m - 1;
    for (int32_t left = m / 2 - 1; left >= LANES; left -= LANES, p += LANES, r -= LANES) {
        four_bins(p, r, m, tw, step, LANES);
        tw += LANES * step;
    }
    four_bins(p, r, m, tw, step, 3);
}

// 32 floats of each of 4 groups, to vectors of the same element of all four, or back: in place, the
// vectors of bin k from g[32 k] on.
static void exchange(float *g) {
    for (int32_t i = 0; i < 32; i += LANES) {
        real v[4], t[4];
        DSP_UNROLL
        for (int32_t k = 0; k < LANES; k++) {
            v[k] = get(g + 32 * k + i);
        }
        transpose(v, t);
        DSP_UNROLL
        for (int32_t k = 0; k < LANES; k++) {
            put(g + 32 * k + i, t[k]);
        }
    }
}

// The pass that joins groups of 4, four groups of 32 at a time: each lane has its own group.
void dsp_pass4_by_lanes(float *g, int32_t n, const float *tw) {
    real w[8];
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        const real all = {tw[i], tw[i], tw[i], tw[i]};
        w[i] = all;
    }
    const layout a = {1, 8, 0};
    for (const float *end = g + n; g < end; g += 32 * LANES) {
        exchange(g);
        real *dc = (real *)g, *half = (real *)(g + 64);
        real *const p[4] = {(real *)(g + 32)}, *const r[4] = {(real *)(g + 96)};
        const real zero[8] = {dc[0], dc[1], dc[2], dc[3], dc[4], dc[5], dc[6], dc[7]};
        butterfly_real(zero, 1, dc);
        butterfly_half(half, 1);
        butterfly(p, r, a, w);
        exchange(g);
    }
}

#endif
