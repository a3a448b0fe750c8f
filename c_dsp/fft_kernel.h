// Arithmetic of the real FFT over a type `real`: float, or a vector of floats that holds the same
// element of several transforms. One text for both, so that both give the same bits. fft.c tells the
// algorithm; this file is included by fft.c and fft_lanes.c, after they have defined `real`.
#include "internal.h"

#define R2 0.70710678118654752440f  // cos(pi/4)
#define C8 0.92387953251128675613f  // cos(pi/8)
#define S8 0.38268343236508977173f  // sin(pi/8)

typedef struct {
    real re, im;
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

DSP_INLINE void leaf4(const real x[4], real y[4]) {
    const real even = x[0] + x[2];
    const real odd = x[1] + x[3];
    y[0] = even + odd;
    y[1] = x[0] - x[2];
    y[2] = even - odd;
    y[3] = x[3] - x[1];
}

// The bins 0, m, .. 4m of a radix-8 pass: all twiddles are 1 and all inputs real. Input r is x[r]
// (negative residues at 8 + r); output q goes to y[q m], its imaginary part to y[(8 - q) m].
DSP_INLINE void butterfly_real(const real x[8], int32_t m, real y[]) {
    const real e0 = x[0] + x[4], e1 = x[0] - x[4];
    const real s1 = x[1] + x[7], d1 = x[1] - x[7];
    const real s2 = x[2] + x[6], d2 = x[2] - x[6];
    const real s3 = x[3] + x[5], d3 = x[3] - x[5];
    const real even = e0 + s2, odd = s1 + s3;
    const real re = R2 * (s1 - s3), im = R2 * (d1 + d3);
    y[0] = even + odd;
    y[4 * m] = even - odd;
    y[m] = e1 + re;
    y[7 * m] = -im - d2;
    y[2 * m] = e0 - s2;
    y[6 * m] = d3 - d1;
    y[3 * m] = e1 - re;
    y[5 * m] = d2 - im;
}

DSP_INLINE void leaf8(const real x[8], real y[8]) {
    butterfly_real(x, 1, y);
}

// 16 points: the even samples as 8 points E, the odd ones by their pairs j, 16 - j:
//   O[k] = sum_j cos(2 pi j k / 16) (x[j] + x[-j]) - i sin(2 pi j k / 16) (x[j] - x[-j])
//   X[k] = E[k] + O[k],   X[8 - k] = conj(E[k] - O[k])
DSP_INLINE void leaf16(const real x[16], real y[16]) {
    const real even[8] = {x[0], x[2], x[4], x[6], x[8], x[10], x[12], x[14]};
    real e[8];
    leaf8(even, e);
    const real s1 = x[1] + x[15], d1 = x[1] - x[15];
    const real s3 = x[3] + x[13], d3 = x[3] - x[13];
    const real s5 = x[5] + x[11], d5 = x[5] - x[11];
    const real s7 = x[7] + x[9], d7 = x[7] - x[9];
    const real p1 = s1 + s7, p3 = s3 + s5, q1 = s1 - s7, q3 = s3 - s5;
    const real u1 = d1 + d7, u3 = d3 + d5, v1 = d1 - d7, v3 = d3 - d5;
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

// Which leaf begins at sample `first`: the residues that add up to it, as digits, in reverse order.
// Residue r has digit r & 7; what it leaves is a multiple of 8.
DSP_INLINE int32_t place(int32_t first, int32_t digits) {
    int32_t leaf = 0;
    DSP_UNROLL
    for (int32_t d = 0; d < digits; d++) {
        leaf = 8 * leaf + (first & 7);
        first = (first + 3) >> 3;
    }
    return leaf;
}

// One leaf of L points, already loaded.
DSP_INLINE void leaf(int32_t L, const real x[16], real y[]) {
    if (L == 4) {
        leaf4(x, y);
    } else if (L == 8) {
        leaf8(x, y);
    } else {
        leaf16(x, y);
    }
}

// ---- passes ------------------------------------------------------------------------------------

// S and D of one conjugate pair. tw: cos, sin.
DSP_INLINE void twist_pair(const real tw[2], cpx a, cpx b, cpx *s, cpx *d) {
    const cpx sum = add(a, b);
    const cpx diff = sub(a, b);
    s->re = tw[0] * sum.re + tw[1] * diff.im;
    s->im = tw[0] * sum.im - tw[1] * diff.re;
    d->re = tw[0] * diff.re + tw[1] * sum.im;
    d->im = tw[0] * diff.im - tw[1] * sum.re;
}

// Rows 0..7 of a butterfly lie m apart. A load of the FPU reaches 255 floats to either side of its
// pointer, so that one pointer serves several rows: `rows` of them, and it points into their middle.
typedef struct {
    int32_t m;
    int32_t rows;    // 2, 4 or 8
    int32_t middle;  // floats from the first row to where the pointer points
} layout;

DSP_INLINE layout layout_of(int32_t m) {
    const int32_t reach = 2 * DSP_REACH;
    const int32_t rows = 7 * m <= reach ? 8 : 3 * m <= reach ? 4 : 2;
    const layout a = {m, rows, (rows - 1) * m <= reach ? (rows - 1) * m / 2 : 0};
    return a;
}

DSP_INLINE real *row(real *const pointers[4], layout a, int32_t i) {
    return pointers[i / a.rows] + (i % a.rows) * a.m - a.middle;
}

#define P(i) (*row(p, a, i))
#define R(i) (*row(r, a, i))

// Bins k + m q and their mirrors. P(0) is g[k], R(0) is g[m - k]; tw: cos, sin of residues 1..4.
DSP_INLINE void butterfly(real *const p[4], real *const r[4], layout a, const real tw[8]) {
    cpx s1, d1, s2, d2, s3, d3;
    const cpx a1 = {P(1), R(1)}, b1 = {P(7), R(7)};
    const cpx a3 = {P(3), R(3)}, b3 = {P(5), R(5)};
    twist_pair(tw, a1, b1, &s1, &d1);
    twist_pair(tw + 4, a3, b3, &s3, &d3);
    const cpx o0 = add(s1, s3);
    const cpx o2 = {d1.im - d3.im, d3.re - d1.re};  // -i (D1 - D3)
    const cpx u = {R2 * (s1.re - s3.re), R2 * (s1.im - s3.im)};
    const cpx v = {R2 * (d1.im + d3.im), -(R2 * (d1.re + d3.re))};  // -i R2 (D1 + D3)
    const cpx o1 = add(v, u);
    const cpx o3 = sub(v, u);
    const cpx a2 = {P(2), R(2)}, b2 = {P(6), R(6)};
    twist_pair(tw + 2, a2, b2, &s2, &d2);
    const cpx y0 = {P(0), R(0)}, a4 = {P(4), R(4)};
    const cpx y4 = {tw[6] * a4.re + tw[7] * a4.im, tw[6] * a4.im - tw[7] * a4.re};
    const cpx sum = add(y0, y4), diff = sub(y0, y4);
    const cpx e0 = add(sum, s2), e2 = sub(sum, s2);
    const cpx e1 = {diff.re + d2.im, diff.im - d2.re};  // diff - i D2
    const cpx e3 = {diff.re - d2.im, diff.im + d2.re};
    P(0) = e0.re + o0.re;
    R(7) = e0.im + o0.im;
    R(3) = e0.re - o0.re;
    P(4) = o0.im - e0.im;
    P(1) = e1.re + o1.re;
    R(6) = e1.im + o1.im;
    R(2) = e1.re - o1.re;
    P(5) = o1.im - e1.im;
    P(2) = e2.re + o2.re;
    R(5) = e2.im + o2.im;
    R(1) = e2.re - o2.re;
    P(6) = o2.im - e2.im;
    P(3) = e3.re + o3.re;
    R(4) = e3.im + o3.im;
    R(0) = e3.re - o3.re;
    P(7) = o3.im - e3.im;
}

#undef P
#undef R

// k = m/2: the inputs are real, the twiddles exp(-i pi r / 8) constant. h = &g[m / 2].
DSP_INLINE void butterfly_half(real *h, int32_t m) {
    const real y0 = h[0], y4 = h[4 * m];
    const real s1 = h[m] + h[7 * m], d1 = h[m] - h[7 * m];
    const real s2 = R2 * (h[2 * m] + h[6 * m]), d2 = R2 * (h[2 * m] - h[6 * m]);
    const real s3 = h[3 * m] + h[5 * m], d3 = h[3 * m] - h[5 * m];
    const real ea = y0 + s2, eb = y0 - s2;
    const real oa = C8 * s1 + S8 * s3, ob = S8 * s1 - C8 * s3;
    const real fa = y4 + d2, fb = y4 - d2;
    const real ga = S8 * d1 + C8 * d3, gb = C8 * d1 - S8 * d3;
    h[0] = ea + oa;
    h[7 * m] = -ga - fa;
    h[m] = eb + ob;
    h[6 * m] = fb - gb;
    h[2 * m] = eb - ob;
    h[5 * m] = -gb - fb;
    h[3 * m] = ea - oa;
    h[4 * m] = fa - ga;
}

// Bins 0 and m/2 of a group and what they join to.
DSP_INLINE void butterfly_ends(real *g, int32_t m) {
    const real dc[8] = {g[0], g[m], g[2 * m], g[3 * m], g[4 * m], g[5 * m], g[6 * m], g[7 * m]};
    butterfly_real(dc, m, g);
    butterfly_half(g + m / 2, m);
}
