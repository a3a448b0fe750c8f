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
#include "internal.h"

#define R2 0.70710678118654752440f  // cos(pi/4)
#define C8 0.92387953251128675613f  // cos(pi/8)
#define S8 0.38268343236508977173f  // sin(pi/8)

typedef struct {
    float re, im;
} cpx;

DSP_INLINE cpx add(cpx a, cpx b) {
    const cpx c = {a.re + b.re, a.im + b.im};
    return c;
}

DSP_INLINE cpx sub(cpx a, cpx b) {
    const cpx c = {a.re - b.re, a.im - b.im};
    return c;
}

// ---- leaves ------------------------------------------------------------------------------------

DSP_INLINE float load(dsp_from from, const dsp_source *s, int32_t i) {
    switch (from) {
    case DSP_FROM_F32:
        return ((const float *)s->data)[i];
    case DSP_FROM_I16:
        return (float)(((const int16_t *)s->data)[i] - s->mean);
    case DSP_FROM_I32:
        return (float)(((const int32_t *)s->data)[i] - s->mean);
    case DSP_FROM_BAND:
        return i < s->count ? ((const float *)s->data)[s->step * i] : 0.0f;
    }
    return 0.0f;
}

DSP_INLINE void leaf4(const float x[4], float y[4]) {
    const float even = x[0] + x[2];
    const float odd = x[1] + x[3];
    y[0] = even + odd;
    y[1] = x[0] - x[2];
    y[2] = even - odd;
    y[3] = x[3] - x[1];
}

// The bins 0, m, .. 4m of a radix-8 pass: all twiddles are 1 and all inputs real. Input r is x[r]
// (negative residues at 8 + r); output q goes to y[q m], its imaginary part to y[(8 - q) m].
DSP_INLINE void butterfly_real(const float x[8], int32_t m, float y[]) {
    const float e0 = x[0] + x[4], e1 = x[0] - x[4];
    const float s1 = x[1] + x[7], d1 = x[1] - x[7];
    const float s2 = x[2] + x[6], d2 = x[2] - x[6];
    const float s3 = x[3] + x[5], d3 = x[3] - x[5];
    const float even = e0 + s2, odd = s1 + s3;
    const float re = R2 * (s1 - s3), im = R2 * (d1 + d3);
    y[0] = even + odd;
    y[4 * m] = even - odd;
    y[m] = e1 + re;
    y[7 * m] = -im - d2;
    y[2 * m] = e0 - s2;
    y[6 * m] = d3 - d1;
    y[3 * m] = e1 - re;
    y[5 * m] = d2 - im;
}

DSP_INLINE void leaf8(const float x[8], float y[8]) {
    butterfly_real(x, 1, y);
}

// 16 points: the even samples as 8 points E, the odd ones by their pairs j, 16 - j:
//   O[k] = sum_j cos(2 pi j k / 16) (x[j] + x[-j]) - i sin(2 pi j k / 16) (x[j] - x[-j])
//   X[k] = E[k] + O[k],   X[8 - k] = conj(E[k] - O[k])
DSP_INLINE void leaf16(const float x[16], float y[16]) {
    const float even[8] = {x[0], x[2], x[4], x[6], x[8], x[10], x[12], x[14]};
    float e[8];
    leaf8(even, e);
    const float s1 = x[1] + x[15], d1 = x[1] - x[15];
    const float s3 = x[3] + x[13], d3 = x[3] - x[13];
    const float s5 = x[5] + x[11], d5 = x[5] - x[11];
    const float s7 = x[7] + x[9], d7 = x[7] - x[9];
    const float p1 = s1 + s7, p3 = s3 + s5, q1 = s1 - s7, q3 = s3 - s5;
    const float u1 = d1 + d7, u3 = d3 + d5, v1 = d1 - d7, v3 = d3 - d5;
    const cpx o1 = {C8 * q1 + S8 * q3, -(S8 * u1) - C8 * u3};
    const cpx o2 = {R2 * (p1 - p3), -(R2 * (v1 + v3))};
    const cpx o3 = {S8 * q1 - C8 * q3, S8 * u3 - C8 * u1};
    y[0] = e[0] + (p1 + p3);
    y[8] = e[0] - (p1 + p3);
    y[1] = e[1] + o1.re;
    y[15] = o1.im + e[7];
    y[7] = e[1] - o1.re;
    y[9] = o1.im - e[7];
    y[2] = e[2] + o2.re;
    y[14] = o2.im + e[6];
    y[6] = e[2] - o2.re;
    y[10] = o2.im - e[6];
    y[3] = e[3] + o3.re;
    y[13] = o3.im + e[5];
    y[5] = e[3] - o3.re;
    y[11] = o3.im - e[5];
    y[4] = e[4];
    y[12] = v3 - v1;
}

// 0 1 2 3 4 -3 -2 -1
DSP_INLINE int32_t residue(int32_t digit) {
    return ((digit + 3) & 7) - 3;
}

// First sample of the leaves group..group+7, apart from their own digit: the octal digits of
// `group`, as residues, the most significant one with weight 1.
DSP_INLINE int32_t first_sample(int32_t group, int32_t digits) {
    int32_t first = 0;
    for (int32_t d = digits - 1, weight = 0; d > 0; d--, weight += 3) {
        first += residue((group >> (3 * d)) & 7) * (1 << weight);
    }
    return first;
}

// One leaf of L samples, `stride` apart. Only its first sample can lie before the start: it wraps.
DSP_INLINE void leaf(dsp_from from, int32_t L, const dsp_source *s, int32_t n, int32_t first,
                     float y[]) {
    const int32_t stride = n / L;
    float x[16];
    x[0] = load(from, s, first < 0 ? first + n : first);
    for (int32_t i = 1; i < L; i++) {
        x[i] = load(from, s, first + i * stride);
    }
    if (L == 4) {
        leaf4(x, y);
    } else if (L == 8) {
        leaf8(x, y);
    } else {
        leaf16(x, y);
    }
}

DSP_INLINE void leaves(dsp_from from, int32_t L, const dsp_source *s, int32_t n, int32_t passes,
                       float y[]) {
    const int32_t groups = n / L;
    for (int32_t group = 0; group < groups; group += 8) {
        const int32_t first = first_sample(group, passes);
        for (int32_t digit = 0; digit < 8; digit++, y += L) {
            leaf(from, L, s, n, first + residue(digit) * (groups / 8), y);
        }
    }
}

// `from` and L become constants here, so that each leaf is straight-line code.
DSP_INLINE void leaves_from(dsp_from from, const dsp_plan *plan, const dsp_source *s, float y[]) {
    if (plan->leaf == 4) {
        leaves(from, 4, s, plan->n, plan->passes, y);
    } else if (plan->leaf == 8) {
        leaves(from, 8, s, plan->n, plan->passes, y);
    } else {
        leaves(from, 16, s, plan->n, plan->passes, y);
    }
}

// ---- passes ------------------------------------------------------------------------------------

// S and D of one conjugate pair. tw: cos, sin.
DSP_INLINE void twist_pair(const float tw[2], cpx a, cpx b, cpx *s, cpx *d) {
    const cpx sum = add(a, b);
    const cpx diff = sub(a, b);
    s->re = tw[0] * sum.re + tw[1] * diff.im;
    s->im = tw[0] * sum.im - tw[1] * diff.re;
    d->re = tw[0] * diff.re + tw[1] * sum.im;
    d->im = tw[0] * diff.im - tw[1] * sum.re;
}

// Bins k + m q and their mirrors. p = &g[k], r = &g[m - k]; tw: cos, sin of residues 1..4.
DSP_INLINE void butterfly(float *p, float *r, int32_t m, const float tw[8]) {
    const cpx y0 = {p[0], r[0]};
    const cpx a1 = {p[m], r[m]}, b1 = {p[7 * m], r[7 * m]};
    const cpx a2 = {p[2 * m], r[2 * m]}, b2 = {p[6 * m], r[6 * m]};
    const cpx a3 = {p[3 * m], r[3 * m]}, b3 = {p[5 * m], r[5 * m]};
    const cpx a4 = {p[4 * m], r[4 * m]};
    cpx s1, d1, s2, d2, s3, d3;
    twist_pair(tw, a1, b1, &s1, &d1);
    twist_pair(tw + 4, a3, b3, &s3, &d3);
    const cpx o0 = add(s1, s3);
    const cpx o2 = {d1.im - d3.im, d3.re - d1.re};  // -i (D1 - D3)
    const cpx u = {R2 * (s1.re - s3.re), R2 * (s1.im - s3.im)};
    const cpx v = {R2 * (d1.im + d3.im), -(R2 * (d1.re + d3.re))};  // -i R2 (D1 + D3)
    const cpx o1 = add(v, u);
    const cpx o3 = sub(v, u);
    twist_pair(tw + 2, a2, b2, &s2, &d2);
    const cpx y4 = {tw[6] * a4.re + tw[7] * a4.im, tw[6] * a4.im - tw[7] * a4.re};
    const cpx sum = add(y0, y4), diff = sub(y0, y4);
    const cpx e0 = add(sum, s2), e2 = sub(sum, s2);
    const cpx e1 = {diff.re + d2.im, diff.im - d2.re};  // diff - i D2
    const cpx e3 = {diff.re - d2.im, diff.im + d2.re};
    p[0] = e0.re + o0.re;
    r[7 * m] = e0.im + o0.im;
    r[3 * m] = e0.re - o0.re;
    p[4 * m] = o0.im - e0.im;
    p[m] = e1.re + o1.re;
    r[6 * m] = e1.im + o1.im;
    r[2 * m] = e1.re - o1.re;
    p[5 * m] = o1.im - e1.im;
    p[2 * m] = e2.re + o2.re;
    r[5 * m] = e2.im + o2.im;
    r[m] = e2.re - o2.re;
    p[6 * m] = o2.im - e2.im;
    p[3 * m] = e3.re + o3.re;
    r[4 * m] = e3.im + o3.im;
    r[0] = e3.re - o3.re;
    p[7 * m] = o3.im - e3.im;
}

// k = m/2: the inputs are real, the twiddles exp(-i pi r / 8) constant. h = &g[m / 2].
DSP_INLINE void butterfly_half(float *h, int32_t m) {
    const float y0 = h[0], y4 = h[4 * m];
    const float s1 = h[m] + h[7 * m], d1 = h[m] - h[7 * m];
    const float s2 = R2 * (h[2 * m] + h[6 * m]), d2 = R2 * (h[2 * m] - h[6 * m]);
    const float s3 = h[3 * m] + h[5 * m], d3 = h[3 * m] - h[5 * m];
    const float ea = y0 + s2, eb = y0 - s2;
    const float oa = C8 * s1 + S8 * s3, ob = S8 * s1 - C8 * s3;
    const float fa = y4 + d2, fb = y4 - d2;
    const float ga = S8 * d1 + C8 * d3, gb = C8 * d1 - S8 * d3;
    h[0] = ea + oa;
    h[7 * m] = -ga - fa;
    h[m] = eb + ob;
    h[6 * m] = fb - gb;
    h[2 * m] = eb - ob;
    h[5 * m] = -gb - fb;
    h[3 * m] = ea - oa;
    h[4 * m] = fa - ga;
}

// Joins groups of 8 m into one.
static void pass(float *g, int32_t n, int32_t m, const float *twiddles) {
    for (const float *end = g + n; g < end; g += 8 * m) {
        const float dc[8] = {g[0],     g[m],     g[2 * m], g[3 * m],
                             g[4 * m], g[5 * m], g[6 * m], g[7 * m]};
        butterfly_real(dc, m, g);
        butterfly_half(g + m / 2, m);
        const float *tw = twiddles;
        for (float *p = g + 1, *r = g + m - 1; p < r; p++, r--, tw += 8) {
            butterfly(p, r, m, tw);
        }
    }
}

void dsp_transform(const dsp_plan *plan, const dsp_source *source, float y[]) {
    switch (source->from) {
    case DSP_FROM_F32:
        leaves_from(DSP_FROM_F32, plan, source, y);
        break;
    case DSP_FROM_I16:
        leaves_from(DSP_FROM_I16, plan, source, y);
        break;
    case DSP_FROM_I32:
        leaves_from(DSP_FROM_I32, plan, source, y);
        break;
    case DSP_FROM_BAND:
        leaves_from(DSP_FROM_BAND, plan, source, y);
        break;
    }
    const float *tw = plan->twiddles;
    for (int32_t m = plan->leaf; m < plan->n; tw += 8 * (m / 2 - 1), m *= 8) {
        pass(y, plan->n, m, tw);
    }
}

// ---- interface ---------------------------------------------------------------------------------

dsp_status dsp_rfft_f32(const dsp_plan *plan, const float x[], float y[]) {
    if (dsp_plan_n(plan) == 0) {
        return DSP_ERR_PLAN;
    }
    const dsp_source source = {DSP_FROM_F32, x, 0, 1, plan->n};
    dsp_transform(plan, &source, y);
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
    int32_t sum = 0;  // 2^15 * 2^14 fits
    for (int32_t i = 0; i < plan->n; i++) {
        sum += x[i];
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
    int64_t sum = 0;
    for (int32_t i = 0; i < plan->n; i++) {
        sum += x[i];
    }
    const dsp_source source = {DSP_FROM_I32, x, rounded_mean(sum, plan->n), 1, plan->n};
    dsp_transform(plan, &source, y);
    y[0] = 0.0f;
    return DSP_OK;
}
