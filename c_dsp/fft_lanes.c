// The real FFT by vectors of 4 floats, where the processor has them: each lane carries its own values
// through the arithmetic of fft_kernel.h, so that the results are those of fft.c, bit for bit. Lanes
// are neighbouring groups in the leaves and the first pass, which are one step here, then neighbouring
// bins.
#include "internal.h"

#if DSP_HAS_LANES

#define LANES 4
// Any float of the caller's may begin one.
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define real lanes
#include "fft_kernel.h"

// ---- vectors -----------------------------------------------------------------------------------

DSP_INLINE real get(const float *at) {
    return *(const lanes *)at;
}

DSP_INLINE void put(float *at, real v) {
    *(lanes *)at = v;
}

DSP_INLINE real reversed(real v) {
    return __builtin_shufflevector(v, v, 3, 2, 1, 0);
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

DSP_INLINE real all(float x) {
    const real v = {x, x, x, x};
    return v;
}

// ---- leaves and the first pass -----------------------------------------------------------------

// Four groups of 8 L results, at to[0], to[1], ..: those of one group make a butterfly of leaves. Each
// lane has its own group while they are worked on: element e of all four is a vector in the memory of
// four elements of one of them, this one.
DSP_INLINE real *element(float *const to[4], int32_t e) {
    return (real *)(to[e % LANES] + (e - e % LANES));
}

// From elements of groups to vectors of elements, or back.
DSP_INLINE void exchange(float *const to[4], int32_t count) {
    for (int32_t i = 0; i < count; i += LANES) {
        real v[4], t[4];
        DSP_UNROLL
        for (int32_t lane = 0; lane < LANES; lane++) {
            v[lane] = get(to[lane] + i);
        }
        transpose(v, t);
        DSP_UNROLL
        for (int32_t lane = 0; lane < LANES; lane++) {
            put(to[lane] + i, t[lane]);
        }
    }
}

// Samples begin..begin+3 of a record that is periodic.
DSP_INLINE real get_wrapped(const float x[], int32_t n, int32_t begin) {
    if (begin <= -LANES || begin >= 0) {
        return get(x + begin + (begin < 0 ? n : 0));
    }
    const real v = {x[begin & (n - 1)], x[(begin + 1) & (n - 1)], x[(begin + 2) & (n - 1)],
                    x[(begin + 3) & (n - 1)]};
    return v;
}

// The leaves of 4, 8, .. groups that begin at `first` and next to it: together, so that a line of the
// cache that holds samples of several groups is read once. Samples of a group lie `apart`.
DSP_INLINE void leaves_of_some(const float x[], int32_t L, int32_t n, int32_t first, int32_t some,
                               int32_t apart, float *const to[]) {
    for (int32_t j = 0; j < 8; j++) {
        const int32_t begin = first + (j <= 4 ? j : j - 8) * apart;
        for (int32_t four = 0; four < some; four += LANES) {
            real v[16], out[16];
            v[0] = get_wrapped(x, n, begin + four);
            DSP_UNROLL
            for (int32_t i = 1; i < L; i++) {
                v[i] = get(x + begin + four + i * 8 * apart);
            }
            leaf(L, v, out);
            DSP_UNROLL
            for (int32_t i = 0; i < L; i++) {
                *element(to + four, j * L + i) = out[i];
            }
        }
    }
}

// Joins them: the pass with m = L.
DSP_INLINE void join_four(float *const to[4], int32_t L, const float *tw, int32_t step) {
    const int32_t m = L / LANES;  // vectors from row to row
    const layout a = {m, 8, 0};
    real *dc = element(to, 0);
    const real zero[8] = {dc[0],     dc[m],     dc[2 * m], dc[3 * m],
                          dc[4 * m], dc[5 * m], dc[6 * m], dc[7 * m]};
    butterfly_real(zero, m, dc);
    butterfly_half(element(to, L / 2), m);
    for (int32_t k = 1; k < L / 2; k++, tw += step) {
        const real w[8] = {all(tw[0]), all(tw[1]), all(tw[2]), all(tw[3]),
                           all(tw[4]), all(tw[5]), all(tw[6]), all(tw[7])};
        real *const p[4] = {element(to, k)}, *const r[4] = {element(to, L - k)};
        butterfly(p, r, a, w);
    }
}

// As in fft.c, in the order of first samples. What will be read next, if it is known, is fetched
// meanwhile, in order.
DSP_INLINE void leaves_and_pass(const dsp_plan *plan, const float x[], const float *next, int32_t L,
                                const float *tw, int32_t step, int32_t some, float y[]) {
    const int32_t groups = plan->n / (8 * L), lowest = -3 * ((groups - 1) / 7);
    for (int32_t first = lowest; first < lowest + groups; first += some) {
        float *to[16];
        for (int32_t i = 0; i < some; i++) {
            to[i] = y + 8 * L * place(first + i, plan->passes - 1);
        }
        for (int32_t i = 0; next && i < 8 * L * some; i += 16) {
            __builtin_prefetch(next + 8 * L * (first - lowest) + i);
        }
        leaves_of_some(x, L, plan->n, first, some, groups, to);
        for (int32_t four = 0; four < some; four += LANES) {
            join_four(to + four, L, tw, step);
            exchange(to + four, 8 * L);
        }
    }
}

// Frames of their own, for a small stack.
#define LEAVES(name, L, some)                                                                      \
    static DSP_NOINLINE void name(const dsp_plan *plan, const float x[], const float *next,        \
                                  const float *tw, int32_t step, float y[]) {                      \
        leaves_and_pass(plan, x, next, L, tw, step, some, y);                                      \
    }
LEAVES(leaves_of_4, 4, LANES)
LEAVES(leaves_of_4_long, 4, 4 * LANES)  // lines of a group fall on each other in a cache
LEAVES(leaves_of_8, 8, LANES)
LEAVES(leaves_of_16, 16, LANES)

void dsp_leaves_by_lanes(const dsp_plan *plan, const float x[], const float *next, const float *tw,
                         int32_t step, float y[]) {
    if (plan->leaf == 4 && plan->n > 8192) {
        leaves_of_4_long(plan, x, next, tw, step, y);
    } else if (plan->leaf == 4) {
        leaves_of_4(plan, x, next, tw, step, y);
    } else if (plan->leaf == 8) {
        leaves_of_8(plan, x, next, tw, step, y);
    } else {
        leaves_of_16(plan, x, next, tw, step, y);
    }
}

// The pass that joins groups of 4, four of the joined ones at a time.
void dsp_pass4_by_lanes(float *g, int32_t n, const float *tw) {
    for (const float *end = g + n; g < end; g += 32 * LANES) {
        float *const to[4] = {g, g + 32, g + 64, g + 96};
        exchange(to, 32);
        join_four(to, 4, tw, 0);
        exchange(to, 32);
    }
}

// ---- passes ------------------------------------------------------------------------------------

// Twiddles of four bins; `count` of them are there.
DSP_INLINE void four_twiddles(const float *tw, int32_t step, int32_t count, real w[8]) {
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i += LANES) {
        real rows[4];
        DSP_UNROLL
        for (int32_t lane = 0; lane < LANES; lane++) {
            rows[lane] = get(tw + (lane < count ? lane : 0) * step + i);
        }
        transpose(rows, w + i);
    }
}

// A butterfly of vectors wants its rows in memory, one after the other: they are collected, joined
// and put back. Lane j is bin k + j.
DSP_INLINE void four_bins(float *p, float *r, int32_t m, const real w[8]) {
    real v[16];
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        v[i] = get(p + i * m);
        v[8 + i] = reversed(get(r + i * m - 3));
    }
    const layout a = {1, 8, 0};
    real *const pv[4] = {v}, *const rv[4] = {v + 8};
    butterfly(pv, rv, a, w);
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        put(p + i * m, v[i]);
        put(r + i * m - 3, reversed(v[8 + i]));
    }
}

// Three bins: the fourth, m/2, is not joined like this and keeps what it was.
DSP_INLINE void three_bins(float *p, float *r, int32_t m, const real w[8]) {
    float kept[8];
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        kept[i] = p[i * m + 3];
    }
    four_bins(p, r, m, w);
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        p[i * m + 3] = kept[i];
    }
}

// Bins 1..m/2-1 of the groups that a pass joins, m >= 8.
void dsp_bins_by_lanes(float *y, int32_t n, int32_t m, const float *tw, int32_t step) {
    const float *end = y + n;
    real w[8];
    int32_t k = 1;
    for (; k + LANES <= m / 2; k += LANES, tw += LANES * step) {
        four_twiddles(tw, step, LANES, w);
        for (float *g = y; g < end; g += 8 * m) {
            four_bins(g + k, g + m - k, m, w);
        }
    }
    four_twiddles(tw, step, LANES - 1, w);
    for (float *g = y; g < end; g += 8 * m) {
        three_bins(g + k, g + m - k, m, w);
    }
}

#endif
