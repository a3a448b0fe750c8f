// Real FFT in 16-bit block floating point, for chips without an FPU.
//
// The n samples are taken as n/2 complex ones, z[t] = x[2 t] + i x[2 t + 1]. Leaves of 4 or 8 points
// read them in bit-reversed order, radix-4 passes join them, and the last step takes the spectra of
// the even and the odd samples apart:
//   2 X[k] = Z[k] + Z*[-k] - i e^(-2 pi i k / n) (Z[k] - Z*[-k])
// Sorensen et al. (1987) for that step; Oppenheim & Weinstein (1972) for the block exponent.
//
// A complex number is one word, its real part in the low half. Leaves work on full-scale samples in
// 16 bits and halve what they add. Passes and the last step keep sums in 32 bits, with what will be
// stored in the upper half, and round once; they give all numbers the other sign, since products are
// with -cos and -sin, -1 being a number of 16 bits and 1 not, so leaves may have to do so too. Of a
// sum and a difference only one is multiplied out: a - c = 2 a - (a + c).
//
// Each of them notes how large its results are, as the bits of their |z|^2, and the next is scaled by
// that. With |z|^2 < 2^p,
//   a pass  gives up to 4 |z|: p = 25, 26 fit, p = 27, 28 are halved once, p = 29, 30 twice
//   the last step  gives up to sqrt(2) |z|: p = 25..29 fit, p = 30 is halved
// A block of any other p is doubled or halved first. MARGIN is for the rounding of twiddles.
#include "dual.h"

#if DSP_TABLE_Q15_N > 0

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) word;
#else
typedef uint32_t word;
#endif

// ---- words -------------------------------------------------------------------------------------

DSP_INLINE int32_t low(uint32_t w) {
    return (int16_t)w;
}

DSP_INLINE int32_t high(uint32_t w) {
    return (int32_t)w >> 16;
}

// The low half of one word with the high half of another.
#if DSP_DUAL
DSP_INLINE uint32_t halves(uint32_t lower, uint32_t upper) {
    uint32_t w;
    __asm__("pkhbt %0, %1, %2" : "=r"(w) : "r"(lower), "r"(upper));
    return w;
}

// store: the upper halves of two sums.
DSP_INLINE uint32_t store(int32_t re, int32_t im) {
    uint32_t w;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(w) : "r"(im), "r"(re));
    return w;
}

// Sums may wrap around: only results must fit.
DSP_INLINE int32_t dot(uint32_t a, uint32_t b, int32_t c) {  // c + low low + high high
    return __smlad((int16x2_t)a, (int16x2_t)b, c);
}

DSP_INLINE int32_t cross(uint32_t a, uint32_t b, int32_t c) {  // c + low high - high low
    return __smlsdx((int16x2_t)a, (int16x2_t)b, c);
}

DSP_INLINE int32_t dot_alone(uint32_t a, uint32_t b) {
    return __smuad((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE int32_t cross_alone(uint32_t a, uint32_t b) {
    return __smusdx((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE int32_t dot_conj(uint32_t a, uint32_t b, int32_t c) {  // c + low low - high high
    return __smlsd((int16x2_t)a, (int16x2_t)b, c);
}

DSP_INLINE int32_t cross_conj(uint32_t a, uint32_t b, int32_t c) {  // c + low high + high low
    return __smladx((int16x2_t)a, (int16x2_t)b, c);
}

DSP_INLINE int32_t low_times(uint32_t a, int32_t b, int32_t c) {
    return __smlabb((int32_t)a, b, c);
}

DSP_INLINE int32_t high_times(uint32_t a, int32_t b, int32_t c) {
    return __smlatb((int32_t)a, b, c);
}

DSP_INLINE uint32_t sums(uint32_t a, uint32_t b) {
    return (uint32_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}
#else
DSP_INLINE uint32_t halves(uint32_t lower, uint32_t upper) {
    return (lower & 0xffffu) | (upper & 0xffff0000u);
}

DSP_INLINE uint32_t store(int32_t re, int32_t im) {
    return halves((uint32_t)re >> 16, (uint32_t)im);
}

DSP_INLINE uint32_t product(int32_t a, int32_t b) {
    return (uint32_t)(a * b);
}

DSP_INLINE int32_t dot(uint32_t a, uint32_t b, int32_t c) {
    return (int32_t)((uint32_t)c + product(low(a), low(b)) + product(high(a), high(b)));
}

DSP_INLINE int32_t cross(uint32_t a, uint32_t b, int32_t c) {
    return (int32_t)((uint32_t)c + product(low(a), high(b)) - product(high(a), low(b)));
}

DSP_INLINE int32_t dot_alone(uint32_t a, uint32_t b) {
    return dot(a, b, 0);
}

DSP_INLINE int32_t cross_alone(uint32_t a, uint32_t b) {
    return cross(a, b, 0);
}

DSP_INLINE int32_t low_times(uint32_t a, int32_t b, int32_t c) {
    return (int32_t)((uint32_t)c + product(low(a), low((uint32_t)b)));
}

DSP_INLINE int32_t high_times(uint32_t a, int32_t b, int32_t c) {
    return (int32_t)((uint32_t)c + product(high(a), low((uint32_t)b)));
}

DSP_INLINE uint32_t sums(uint32_t a, uint32_t b) {
    return halves(a + b, (a & 0xffff0000u) + (b & 0xffff0000u));
}
#endif

DSP_INLINE uint32_t power(uint32_t a, uint32_t b) {
    return (uint32_t)dot(a, a, (int32_t)b);
}

// a - b and 2 a - b, which may wrap around.
DSP_INLINE int32_t less(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

DSP_INLINE int32_t twice_less(int32_t a, int32_t b) {
    return (int32_t)(2 * (uint32_t)a - (uint32_t)b);
}

// What is added to |z|^2, or the sum of two of them.
#define MARGIN 0x100000

// The least p with every value below 2^p, of values or-ed together.
DSP_INLINE int32_t bits_of(uint32_t values) {
#if defined(__ARM_FEATURE_CLZ)
    return values == 0 ? 0 : 32 - __builtin_clz(values);
#else
    int32_t p = 0;
    for (int32_t step = 16; step > 0; step /= 2) {
        if (values >> step != 0) {
            values >>= step;
            p += step;
        }
    }
    return p + (int32_t)values;
#endif
}

// ---- leaves ------------------------------------------------------------------------------------

typedef struct {
    int32_t re, im;
} pair;

DSP_INLINE pair add(pair a, pair b) {
    return (pair){a.re + b.re, a.im + b.im};
}

DSP_INLINE pair sub(pair a, pair b) {
    return (pair){a.re - b.re, a.im - b.im};
}

DSP_INLINE pair sub_i(pair a, pair b) {  // a - i b
    return (pair){a.re + b.im, a.im - b.re};
}

DSP_INLINE pair add_i(pair a, pair b) {  // a + i b
    return (pair){a.re - b.im, a.im + b.re};
}

// Stores two and returns the sum of their powers.
DSP_INLINE uint32_t put_words(word *to_a, uint32_t a, word *to_b, uint32_t b) {
    *to_a = a;
    *to_b = b;
    return power(a, power(b, MARGIN));
}

DSP_INLINE uint32_t put(word *to_a, pair a, word *to_b, pair b) {
    return put_words(to_a, store(a.re, a.im), to_b, store(b.re, b.im));
}

// Complex numbers of 16 bits. Sums are halved and rounded down.
#if DSP_DUAL
typedef uint32_t narrow;

DSP_INLINE narrow from_word(const word *x, int32_t left, uint32_t mask) {
    return (*x & mask) << left;
}

DSP_INLINE narrow mean(narrow a, narrow b) {
    return (uint32_t)__shadd16((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE narrow gap(narrow a, narrow b) {  // (a - b) / 2
    return (uint32_t)__shsub16((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE narrow gap_i(narrow a, narrow b) {  // (a - i b) / 2
    return (uint32_t)__shsax((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE narrow mean_i(narrow a, narrow b) {  // (a + i b) / 2
    return (uint32_t)__shasx((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE uint32_t to_word(narrow a) {
    return a;
}
#else
typedef pair narrow;

DSP_INLINE narrow halved(pair a) {
    return (pair){a.re >> 1, a.im >> 1};
}

DSP_INLINE narrow from_word(const word *x, int32_t left, uint32_t mask) {
    (void)mask;
    return (pair){low(*x) * (1 << left), high(*x) * (1 << left)};
}

DSP_INLINE narrow mean(narrow a, narrow b) {
    return halved(add(a, b));
}

DSP_INLINE narrow gap(narrow a, narrow b) {
    return halved(sub(a, b));
}

DSP_INLINE narrow gap_i(narrow a, narrow b) {
    return halved(sub_i(a, b));
}

DSP_INLINE narrow mean_i(narrow a, narrow b) {
    return halved(add_i(a, b));
}

DSP_INLINE uint32_t to_word(narrow a) {
    return halves((uint32_t)a.re, (uint32_t)a.im << 16);
}
#endif

// The spectrum of four, halved twice.
DSP_INLINE void four(narrow x0, narrow x1, narrow x2, narrow x3, narrow y[4]) {
    const narrow a = mean(x0, x2), b = gap(x0, x2), c = mean(x1, x3), d = gap(x1, x3);
    y[0] = mean(a, c);
    y[1] = gap_i(b, d);
    y[2] = gap(a, c);
    y[3] = mean_i(b, d);
}

DSP_INLINE uint32_t rounded_half(narrow a, int32_t sign) {
    const word ones = 0x00010001u;
    const narrow one = from_word(&ones, 0, 0xffffffffu);
    return to_word(sign < 0 ? gap(one, a) : mean(a, one));
}

// Complex samples lie `apart` and are shifted by `left` to full scale; results are an 8th, or a 16th,
// of their sums, times `sign`. Returns their extents.
DSP_INLINE uint32_t leaf_4(const word *x, int32_t apart, int32_t left, uint32_t mask, int32_t sign,
                           word *y) {
    const word *z = x + 2 * apart;
    narrow a[4];
    four(from_word(x, left, mask), from_word(x + apart, left, mask), from_word(z, left, mask),
         from_word(z + apart, left, mask), a);
    const uint32_t extents =
        put_words(y, rounded_half(a[0], sign), y + 1, rounded_half(a[1], sign));
    return extents | put_words(y + 2, rounded_half(a[2], sign), y + 3, rounded_half(a[3], sign));
}

// y[k], y[k + 4] = (a + w b) / 4, (a - w b) / 4 with w = (1 - i) / sqrt(2), or -i w.
DSP_INLINE uint32_t eighth(word *y, uint32_t a, uint32_t b, int32_t sign, int is_third) {
    const int32_t unit = sign * 0x4000;
    const uint32_t root = sign < 0 ? 0xd2bfd2bfu : 0x2d412d41u;  // sqrt(1/2) 2^14, twice
    const int32_t re = low_times(a, unit, 0x8000), im = high_times(a, unit, 0x8000);
    if (is_third) {
        const int32_t plus_re = cross(root, b, re), minus_im = dot(root, b, im);
        return put_words(y, store(plus_re, twice_less(im, minus_im)), y + 4,
                         store(twice_less(re, plus_re), minus_im));
    }
    const int32_t plus_re = dot(root, b, re), plus_im = cross(root, b, im);
    return put_words(y, store(plus_re, plus_im), y + 4,
                     store(twice_less(re, plus_re), twice_less(im, plus_im)));
}

DSP_INLINE uint32_t leaf_8(const word *x, int32_t apart, int32_t left, uint32_t mask, int32_t sign,
                           word *y) {
    narrow in[8], a[4], b[4];
    DSP_UNROLL
    for (int32_t i = 0; i < 8; i++) {
        in[i] = from_word(x + i * apart, left, mask);
    }
    four(in[1], in[3], in[5], in[7], b);
    four(in[0], in[2], in[4], in[6], a);
    uint32_t extents = eighth(y + 1, to_word(a[1]), to_word(b[1]), sign, 0);
    extents |= eighth(y + 3, to_word(a[3]), to_word(b[3]), sign, 1);
    extents |= put_words(y, rounded_half(mean(a[0], b[0]), sign), y + 4,
                         rounded_half(gap(a[0], b[0]), sign));
    return extents | put_words(y + 2, rounded_half(gap_i(a[2], b[2]), sign), y + 6,
                               rounded_half(mean_i(a[2], b[2]), sign));
}

// Leaf i reads from its number with the bits reversed. This goes from one such number to the next.
#if DSP_DUAL
DSP_INLINE uint32_t next_reversed(uint32_t from, uint32_t apart) {
    uint32_t bits;
    __asm__("rbit %0, %1" : "=r"(bits) : "r"(from));
    bits += 1u << (__builtin_clz(apart) + 1);
    __asm__("rbit %0, %1" : "=r"(from) : "r"(bits));
    return from;
}
#else
DSP_INLINE uint32_t next_reversed(uint32_t from, uint32_t apart) {
    uint32_t bit = apart / 2;
    while ((from & bit) != 0) {
        from ^= bit;
        bit >>= 1;
    }
    return from | bit;
}
#endif

// Leaves of L points, of `count` samples of 16 - left bits.
DSP_INLINE uint32_t leaves(int32_t L, const word *x, int32_t count, int32_t left, int32_t sign,
                           word *y) {
    const int32_t apart = (int32_t)((uint32_t)count / (uint32_t)L);
    const uint32_t mask = (0xffffu >> left) * 0x10001u;  // what `left` would push from half to half
    uint32_t extents = 0;
    uint32_t from = 0;
    for (const word *end = y + count; y < end; y += L) {
        extents |= L == 4 ? leaf_4(x + from, apart, left, mask, sign, y)
                          : leaf_8(x + from, apart, left, mask, sign, y);
        from = next_reversed(from, (uint32_t)apart);
    }
    return extents;
}

#define LEAVES(name, L, sign)                                                                      \
    static DSP_NOINLINE uint32_t name(const word *x, int32_t count, int32_t left, word *y) {       \
        return leaves(L, x, count, left, sign, y);                                                 \
    }
LEAVES(leaves_of_4, 4, 1)
LEAVES(minus_leaves_of_4, 4, -1)
LEAVES(leaves_of_8, 8, 1)
LEAVES(minus_leaves_of_8, 8, -1)

// ---- passes ------------------------------------------------------------------------------------

// a, b, c, d are p0, p1, p2, p3 times their twiddles; u = a + c, v = a - c, t = b + d, e = b - d.
DSP_INLINE uint32_t butterfly(word *p, word *q, int32_t m, const uint32_t *tw, int32_t doubled,
                              int32_t half) {
    uint32_t p0 = p[0], p1 = q[0], p2 = p[m], p3 = q[m];
    if (doubled) {
        p0 = sums(p0, p0);
        p1 = sums(p1, p1);
        p2 = sums(p2, p2);
        p3 = sums(p3, p3);
    }
    const int32_t a_re = low_times(p0, half, half), a_im = high_times(p0, half, half);
    const pair u = {dot(tw[1], p2, a_re), cross(tw[1], p2, a_im)};
    const pair v = {twice_less(a_re, u.re), twice_less(a_im, u.im)};
    const int32_t b_re = dot_alone(tw[0], p1), b_im = cross_alone(tw[0], p1);
    const pair t = {dot(tw[2], p3, b_re), cross(tw[2], p3, b_im)};
    const pair e = {twice_less(b_re, t.re), twice_less(b_im, t.im)};
    const uint32_t extents = put(p + m, sub_i(v, e), q + m, add_i(v, e));
    return extents | put(p, add(u, t), q, sub(u, t));
}

DSP_INLINE uint32_t butterfly_quartered(word *p, word *q, int32_t m, const uint32_t *tw,
                                        int32_t unit) {
    const uint32_t p0 = p[0], p1 = q[0], p2 = p[m], p3 = q[m];
    const int32_t half = 0x8000;
    const int32_t a_re = low_times(p0, unit, half), a_im = high_times(p0, unit, half);
    const int32_t c_re = dot_alone(tw[1], p2) >> 1, c_im = cross_alone(tw[1], p2) >> 1;
    const pair u = {a_re + c_re, a_im + c_im}, v = {a_re - c_re, a_im - c_im};
    const int32_t b_re = dot_alone(tw[0], p1), b_im = cross_alone(tw[0], p1);
    const int32_t t_re = dot(tw[2], p3, b_re), t_im = cross(tw[2], p3, b_im);
    const pair t = {t_re >> 1, t_im >> 1};
    const pair e = {twice_less(b_re, t_re) >> 1, twice_less(b_im, t_im) >> 1};
    const uint32_t extents = put(p + m, sub_i(v, e), q + m, add_i(v, e));
    return extents | put(p, add(u, t), q, sub(u, t));
}

// Joins groups of m into groups of 4 m, halved `times` times.
DSP_INLINE uint32_t pass(word *y, int32_t count, int32_t m, int32_t times) {
    const int32_t step = 3 * (DSP_TABLE_Q15_N / 8 / m);
    int32_t half = times == 2 ? -0x4000 : 0x8000;  // what a is multiplied with: the low half
    DSP_OPAQUE(half);
    uint32_t extents = 0;
    for (const word *last = y + count; y < last; y += 4 * m) {
        const uint32_t *tw = dsp_triples_q15;
        word *q = y + 2 * m;
        DSP_OPAQUE(q);
        const word *end = y + m;
        for (word *p = y; p < end; p++, q++, tw += step) {
            DSP_OPAQUE(p);  // two pointers, not four
            DSP_OPAQUE(q);
            extents |= times == 2 ? butterfly_quartered(p, q, m, tw, half)
                                  : butterfly(p, q, m, tw, times == 0, half);
        }
    }
    return extents;
}

static DSP_NOINLINE uint32_t pass_whole(word *y, int32_t count, int32_t m) {
    return pass(y, count, m, 0);
}

static DSP_NOINLINE uint32_t pass_halved(word *y, int32_t count, int32_t m) {
    return pass(y, count, m, 1);
}

static DSP_NOINLINE uint32_t pass_quartered(word *y, int32_t count, int32_t m) {
    return pass(y, count, m, 2);
}

// Doubles a block `times` times, or halves it (times < 0).
static DSP_NOINLINE void shift(word *y, int32_t count, int32_t times) {
    for (int32_t i = 0; i < count; i++) {
        const int32_t re = low(y[i]), im = high(y[i]);
        y[i] = times < 0 ? store(re * 0x8000, im * 0x8000)
                         : store(re * (0x10000 << times), im * (0x10000 << times));
    }
}

// Brings a block to a p of 25..30, which it returns.
static int32_t prepare(word *y, int32_t count, uint32_t extents, int32_t *exponent) {
    const int32_t p = bits_of(extents);
    const int32_t times = p > 30 ? -1 : p < 25 ? (28 - p) / 2 : 0;
    if (times != 0) {
        shift(y, count, times);
        *exponent -= times;
    }
    return p + 2 * times;
}

// ---- last step ---------------------------------------------------------------------------------

// Bins k and -k; for p = 30 halved. Only results fit in a word; what leads to them may wrap around.
#if DSP_DUAL
DSP_INLINE void two_bins(word *to_p, word *to_q, uint32_t tw, int32_t halved) {
    const uint32_t p = *to_p, q = *to_q;
    int32_t unit = 0x8000 >> halved, half = 0x8000;
    if (halved) {
        unit = -unit;  // as the low half of 0x8000 is
        tw = mean(tw, 0);
    }
    DSP_OPAQUE(unit);
    DSP_OPAQUE(half);
    const int32_t e = low_times(p, unit, low_times(q, unit, half));
    const int32_t re = cross(tw, p, cross_conj(tw, q, e));
    const int32_t f = less(dot_conj(tw, q, half), dot_alone(tw, p));
    const int32_t im = less(high_times(q, unit, f), high_times(p, unit, 0));
    *to_p = store(re, twice_less(f, im));
    *to_q = store(twice_less(e, re), im);
}
#else
DSP_INLINE void two_bins(word *to_p, word *to_q, uint32_t tw, int32_t halved) {
    const uint32_t p = *to_p, q = *to_q;
    const int32_t e_re = low(p) + low(q), d_re = low(p) - low(q);
    const int32_t e_im = high(p) - high(q), d_im = high(p) + high(q);
    const uint32_t c = (uint32_t)(low(tw) >> halved), s = (uint32_t)(high(tw) >> halved);
    const uint32_t re = c * (uint32_t)d_im - s * (uint32_t)d_re;
    const uint32_t im = 0x8000u - c * (uint32_t)d_re - s * (uint32_t)d_im;
    const uint32_t e = 0x8000u - ((uint32_t)e_re << (15 - halved));
    const uint32_t f = (uint32_t)e_im << (15 - halved);
    *to_p = store((int32_t)(e + re), (int32_t)(im - f));
    *to_q = store((int32_t)(e - re), (int32_t)(im + f));
}
#endif

// From `first` on, every by-th.
DSP_INLINE void bins(word *y, int32_t count, int32_t first, int32_t by, const uint32_t *tw,
                     int32_t step, int32_t halved) {
    word *q = y + count - first;
    for (word *p = y + first; p < q; p += by, q -= by, tw += step) {
        two_bins(p, q, *tw, halved);
    }
}

static DSP_NOINLINE void some_bins(word *y, int32_t count, int32_t first, int32_t by,
                                   const uint32_t *tw, int32_t step, int32_t halved) {
    if (halved) {
        bins(y, count, first, by, tw, step, 1);
    } else {
        bins(y, count, first, by, tw, step, 0);
    }
}

static void split(word *y, int32_t count, int32_t p) {
    const int32_t halved = p == 30, unit = 0x10000 >> halved;
    const int32_t re = halved - low(y[0]), im = -high(y[0]);
    const int32_t half_re = halved - low(y[count / 2]), half_im = halved + high(y[count / 2]);
    y[0] = store((re + im) * unit, (re - im) * unit);
    y[count / 2] = store(half_re * unit, half_im * unit);
    const int32_t every = DSP_TABLE_Q15_N / 4 / count;  // entries of the table a bin
    if (every > 0) {
        some_bins(y, count, 1, 1, dsp_triples_q15 + 3 * every, 3 * every, halved);
    } else {
        some_bins(y, count, 1, 2, dsp_singles_q15, 1, halved);
        some_bins(y, count, 2, 2, dsp_triples_q15 + 3, 3, halved);
    }
}

// ---- interface ---------------------------------------------------------------------------------

// Bits that differ from their left neighbour, or-ed: the highest of a half tells its size. 0 if all
// samples are 0.
static DSP_NOINLINE uint32_t sizes_of(const word *x, int32_t count) {
    uint32_t sizes = 0;
    for (const word *end = x + count; x < end; x += 4) {
        sizes |= (x[0] ^ x[0] << 1) | (x[1] ^ x[1] << 1);
        sizes |= (x[2] ^ x[2] << 1) | (x[3] ^ x[3] << 1);
    }
    return sizes;
}

static uint32_t all_leaves(const word *x, int32_t count, int32_t left, word *y) {
    const int32_t bits = dsp_bits(count);
    const int is_minus = ((bits / 2) & 1) != 0;  // an odd number of passes and last steps
    if ((bits & 1) != 0) {
        return is_minus ? minus_leaves_of_8(x, count, left, y) : leaves_of_8(x, count, left, y);
    }
    return is_minus ? minus_leaves_of_4(x, count, left, y) : leaves_of_4(x, count, left, y);
}

static int32_t transform(const word *x, int32_t count, uint32_t sizes, word *y) {
    // Samples lie in -2^b..2^b - 1; a leaf gives |z| up to 5.66 2^b, or 11.4 2^b.
    const int32_t b = bits_of(((sizes >> 16 | sizes) & 0xfffeu) >> 1);
    const int32_t is_odd = dsp_bits(count) & 1;
    int32_t exponent = is_odd ? b - 11 : b - 12;
    uint32_t extents = all_leaves(x, count, 15 - b, y);
    for (int32_t m = is_odd ? 8 : 4; m < count; m *= 4) {
        const int32_t p = prepare(y, count, extents, &exponent);
        extents = p > 28   ? pass_quartered(y, count, m)
                  : p > 26 ? pass_halved(y, count, m)
                           : pass_whole(y, count, m);
        exponent += p > 28 ? 2 : p > 26;
    }
    const int32_t p = prepare(y, count, extents, &exponent);
    split(y, count, p);
    return exponent + (p == 30);
}

dsp_status dsp_rfft_q15(int32_t n, const int16_t x[], int16_t y[], int32_t *exponent) {
    if (n < DSP_N_MIN || n > DSP_TABLE_Q15_N || (n & (n - 1)) != 0) {
        return DSP_ERR_SIZE;
    }
    if ((((uintptr_t)x | (uintptr_t)y) & 3) != 0) {
        return DSP_ERR_ALIGN;
    }
    DSP_REQUIRE(DSP_IN(x, n), DSP_OUT(y, n), DSP_OUT(exponent, 1));
    const word *in = (const word *)(const void *)x;
    word *out = (word *)(void *)y;
    const uint32_t sizes = sizes_of(in, n / 2);
    if (sizes == 0) {  // no sample but 0
        for (int32_t i = 0; i < n / 2; i++) {
            out[i] = 0;
        }
        *exponent = 0;
        return DSP_OK;
    }
    *exponent = transform(in, n / 2, sizes, out);
    return DSP_OK;
}

#else

dsp_status dsp_rfft_q15(int32_t n, const int16_t x[], int16_t y[], int32_t *exponent) {
    (void)n, (void)x, (void)y, (void)exponent;
    return DSP_ERR_SIZE;
}

#endif
