// Real FFT in 16-bit block floating point, for chips without an FPU.
//
// The n samples are taken as n/2 complex ones, z[t] = x[2 t] + i x[2 t + 1]. Leaves of 4 or 8 points
// read them in bit-reversed order, radix-4 passes join them, and the last step takes the spectra of
// the even and the odd samples apart:
//   2 X[k] = Z[k] + Z*[-k] - i e^(-2 pi i k / n) (Z[k] - Z*[-k])
// Sorensen et al. (1987) for that step; Oppenheim & Weinstein (1972) for the block exponent.
//
// A complex number is one word, its real part in the low half. Sums are kept in 32 bits, with what
// will be stored in the upper half, and are rounded once. Every pass notes how large its results
// are, as the bits of their |z|^2, and the next is scaled by that. With |z|^2 < 2^p,
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

// store: the upper halves of two sums.
#if DSP_DUAL
DSP_INLINE uint32_t store(int32_t re, int32_t im) {
    uint32_t w;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(w) : "r"(im), "r"(re));
    return w;
}

DSP_INLINE int32_t dot(uint32_t a, uint32_t b) {
    return __smuad((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE int32_t cross(uint32_t a, uint32_t b) {
    return __smusdx((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE int32_t low_times(uint32_t a, int32_t b, int32_t c) {
    return __smlabb((int32_t)a, b, c);
}

DSP_INLINE int32_t high_times(uint32_t a, int32_t b, int32_t c) {
    return __smlatb((int32_t)a, b, c);
}

DSP_INLINE uint32_t power(uint32_t a, int32_t b) {
    return (uint32_t)__smlad((int16x2_t)a, (int16x2_t)a, b);
}

DSP_INLINE uint32_t sums(uint32_t a, uint32_t b) {
    return (uint32_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}

DSP_INLINE uint32_t differences(uint32_t a, uint32_t b) {
    return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}
#else
DSP_INLINE uint32_t store(int32_t re, int32_t im) {
    return (uint32_t)re >> 16 | ((uint32_t)im & 0xffff0000u);
}

DSP_INLINE int32_t dot(uint32_t a, uint32_t b) {
    return low(a) * low(b) + high(a) * high(b);
}

DSP_INLINE int32_t cross(uint32_t a, uint32_t b) {
    return low(a) * high(b) - high(a) * low(b);
}

DSP_INLINE int32_t low_times(uint32_t a, int32_t b, int32_t c) {
    return low(a) * b + c;
}

DSP_INLINE int32_t high_times(uint32_t a, int32_t b, int32_t c) {
    return high(a) * b + c;
}

DSP_INLINE uint32_t power(uint32_t a, int32_t b) {
    return (uint32_t)(low(a) * low(a)) + (uint32_t)(high(a) * high(a)) + (uint32_t)b;
}

DSP_INLINE uint32_t sums(uint32_t a, uint32_t b) {
    return ((a + b) & 0xffffu) | ((a & 0xffff0000u) + (b & 0xffff0000u));
}

DSP_INLINE uint32_t differences(uint32_t a, uint32_t b) {
    return ((a - b) & 0xffffu) | ((a & 0xffff0000u) - (b & 0xffff0000u));
}
#endif

// What is added to |z|^2, or the sum of two of them.
#define MARGIN 0x100000

// The least p with every value below 2^p, of values or-ed together.
static int32_t bits_of(uint32_t values) {
    int32_t p = 0;
    while (p < 32 && values >> p != 0) {
        p++;
    }
    return p;
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

DSP_INLINE pair load(const int16_t *x) {
    return (pair){x[0], x[1]};
}

DSP_INLINE pair scaled(pair a, int32_t scale, int32_t half) {
    return (pair){a.re * scale + half, a.im * scale + half};
}

// sqrt(1/2) x
DSP_INLINE int32_t half_root(int32_t x) {
    return (int32_t)((int64_t)x * 1518500250 >> 32) * 2;
}

DSP_INLINE void four(const pair x[4], pair y[4]) {
    const pair a = add(x[0], x[2]), b = sub(x[0], x[2]);
    const pair c = add(x[1], x[3]), d = sub(x[1], x[3]);
    y[0] = add(a, c);
    y[1] = sub_i(b, d);
    y[2] = sub(a, c);
    y[3] = add_i(b, d);
}

// Stores two and returns the sum of their powers.
DSP_INLINE uint32_t put(word *to_a, pair a, word *to_b, pair b) {
    const uint32_t first = store(a.re, a.im), second = store(b.re, b.im);
    *to_a = first;
    *to_b = second;
    return power(first, (int32_t)power(second, MARGIN));
}

// Complex samples lie `apart`; `scale` leaves results within 2^31. Returns their extents.
DSP_INLINE uint32_t leaf_4(const int16_t *x, int32_t apart, int32_t scale, int32_t half, word *y) {
    const int16_t *z = x + 4 * apart;
    const pair in[4] = {load(x), load(x + 2 * apart), load(z), load(z + 2 * apart)};
    pair out[4];
    four(in, out);
    const uint32_t extents =
        put(y, scaled(out[0], scale, half), y + 1, scaled(out[1], scale, half));
    return extents | put(y + 2, scaled(out[2], scale, half), y + 3, scaled(out[3], scale, half));
}

DSP_INLINE uint32_t leaf_8(const int16_t *x, int32_t apart, int32_t scale, int32_t half, word *y) {
    pair even[4], odd[4], a[4], b[4];
    DSP_UNROLL
    for (int32_t i = 0; i < 4; i++, x += 4 * apart) {
        even[i] = load(x);
        odd[i] = load(x + 2 * apart);
    }
    four(odd, b);
    const pair b0 = scaled(b[0], scale, 0), b2 = scaled(b[2], scale, 0);
    const pair b1 = {half_root((b[1].re + b[1].im) * scale),
                     half_root((b[1].im - b[1].re) * scale)};
    const pair b3 = {half_root((b[3].im - b[3].re) * scale),
                     -half_root((b[3].re + b[3].im) * scale)};
    four(even, a);
    DSP_UNROLL
    for (int32_t i = 0; i < 4; i++) {
        a[i] = scaled(a[i], scale, half);
    }
    uint32_t extents = put(y, add(a[0], b0), y + 4, sub(a[0], b0));
    extents |= put(y + 1, add(a[1], b1), y + 5, sub(a[1], b1));
    extents |= put(y + 2, sub_i(a[2], b2), y + 6, add_i(a[2], b2));
    return extents | put(y + 3, add(a[3], b3), y + 7, sub(a[3], b3));
}

// `count` complex samples. Leaf i reads from its number with the bits reversed.
DSP_INLINE uint32_t leaves(int32_t L, const int16_t *x, int32_t count, int32_t scale, word *y) {
    const int32_t apart = (int32_t)((uint32_t)count / (uint32_t)L);
    uint32_t extents = 0;
    uint32_t from = 0;
    int32_t half = 0x8000;
    DSP_OPAQUE(half);  // one instruction multiplies and adds it
    for (const word *end = y + count; y < end; y += L) {
        extents |= L == 4 ? leaf_4(x + 2 * from, apart, scale, half, y)
                          : leaf_8(x + 2 * from, apart, scale, half, y);
        uint32_t bit = (uint32_t)apart / 2;
        while ((from & bit) != 0) {
            from ^= bit;
            bit >>= 1;
        }
        from |= bit;
    }
    return extents;
}

static DSP_NOINLINE uint32_t leaves_of_4(const int16_t *x, int32_t count, int32_t scale, word *y) {
    return leaves(4, x, count, scale, y);
}

static DSP_NOINLINE uint32_t leaves_of_8(const int16_t *x, int32_t count, int32_t scale, word *y) {
    return leaves(8, x, count, scale, y);
}

// ---- passes ------------------------------------------------------------------------------------

// Twiddles hold -cos and -sin, so that 1 fits. b, c and d are the negative products, in 2^-15;
// a counts 2^-14. Results are halved `times` times, 0 to 2.
DSP_INLINE int32_t fit(int32_t x, int32_t times) {
    return times == 2 ? x >> 1 : x * (2 >> times);
}

DSP_INLINE uint32_t butterfly(word *p, word *q, int32_t m, const uint32_t *tw, int32_t times,
                              int32_t unit, int32_t half) {
    const uint32_t p0 = p[0], p1 = q[0], p2 = p[m], p3 = q[m];
    const int32_t up = 4 >> times;
    const int32_t a_re = low_times(p0, unit, half), a_im = high_times(p0, unit, half);
    const int32_t c_re = dot(tw[1], p2), c_im = cross(tw[1], p2);
    const pair u = {a_re * up - fit(c_re, times), a_im * up - fit(c_im, times)};
    const pair v = {a_re * up + fit(c_re, times), a_im * up + fit(c_im, times)};
    const int32_t b_re = dot(tw[0], p1), b_im = cross(tw[0], p1);
    const int32_t d_re = dot(tw[2], p3), d_im = cross(tw[2], p3);
    const int32_t t_re = b_re + d_re, t_im = b_im + d_im;
    const int32_t e_re = b_re - d_re, e_im = b_im - d_im;
    const pair t = {fit(t_re, times), fit(t_im, times)}, e = {fit(e_re, times), fit(e_im, times)};
    const uint32_t extents = put(p, sub(u, t), q, add(u, t));
    return extents | put(p + m, add_i(v, e), q + m, sub_i(v, e));
}

// Joins groups of m into groups of 4 m.
DSP_INLINE uint32_t pass(word *y, int32_t count, int32_t m, int32_t times) {
    const int32_t step = 3 * (DSP_TABLE_Q15_N / 8 / m);
    int32_t unit = 0x4000, half = 0x2000 << times;
    DSP_OPAQUE(unit);
    DSP_OPAQUE(half);
    uint32_t extents = 0;
    for (const word *last = y + count; y < last; y += 4 * m) {
        const uint32_t *tw = dsp_triples_q15;
        word *q = y + 2 * m;
        DSP_OPAQUE(q);
        const word *end = y + m;
        for (word *p = y; p < end; p++, q++, tw += step) {
            extents |= butterfly(p, q, m, tw, times, unit, half);
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

// Bins k and -k from first on, every by-th, for p <= 28.
DSP_INLINE void bins(word *y, int32_t count, int32_t first, int32_t by, const uint32_t *tw,
                     int32_t step) {
    int32_t unit = 0x4000;
    DSP_OPAQUE(unit);
    word *p = y + first, *q = y + count - first;
    for (; p < q; p += by, q -= by, tw += step) {
        const uint32_t sum = sums(*p, *q), dif = differences(*p, *q);
        const uint32_t d = (dif & 0xffffu) | (sum & 0xffff0000u);
        const int32_t e_re = low_times(sum, unit, unit) * 2, e_im = high_times(dif, unit, 0) * 2;
        const int32_t re = cross(*tw, d), im = dot(*tw, d) + 0x8000;
        *p = store(e_re - re, im + e_im);
        *q = store(e_re + re, im - e_im);
    }
}

// The same for p = 29, or 30 and halved, where differences have 17 bits. Only results fit in a
// word; what leads to them may wrap around.
DSP_INLINE void wide_bins(word *y, int32_t count, int32_t first, int32_t by, const uint32_t *tw,
                          int32_t step, int32_t halved) {
    word *p = y + first, *q = y + count - first;
    for (; p < q; p += by, q -= by, tw += step) {
        const int32_t e_re = low(*p) + low(*q), d_re = low(*p) - low(*q);
        const int32_t e_im = high(*p) - high(*q), d_im = high(*p) + high(*q);
        const uint32_t c = (uint32_t)(low(*tw) >> halved), s = (uint32_t)(high(*tw) >> halved);
        const uint32_t re = c * (uint32_t)d_im - s * (uint32_t)d_re;
        const uint32_t im = c * (uint32_t)d_re + s * (uint32_t)d_im + 0x8000u;
        const uint32_t e = ((uint32_t)e_re << (15 - halved)) + 0x8000u;
        const uint32_t f = (uint32_t)e_im << (15 - halved);
        *p = store((int32_t)(e - re), (int32_t)(im + f));
        *q = store((int32_t)(e + re), (int32_t)(im - f));
    }
}

static DSP_NOINLINE void some_bins(word *y, int32_t count, int32_t first, int32_t by,
                                   const uint32_t *tw, int32_t step, int32_t p) {
    if (p <= 28) {
        bins(y, count, first, by, tw, step);
    } else {
        wide_bins(y, count, first, by, tw, step, p - 29);
    }
}

static void split(word *y, int32_t count, int32_t p) {
    const int32_t halved = p == 30, unit = 0x10000 >> halved;
    const int32_t re = low(y[0]) + halved, im = high(y[0]);
    const int32_t half_re = low(y[count / 2]) + halved, half_im = halved - high(y[count / 2]);
    y[0] = store((re + im) * unit, (re - im) * unit);
    y[count / 2] = store(half_re * unit, half_im * unit);
    const int32_t every = DSP_TABLE_Q15_N / 4 / count;  // entries of the table a bin
    if (every > 0) {
        some_bins(y, count, 1, 1, dsp_triples_q15 + 3 * every, 3 * every, p);
    } else {
        some_bins(y, count, 1, 2, dsp_singles_q15, 1, p);
        some_bins(y, count, 2, 2, dsp_triples_q15 + 3, 3, p);
    }
}

// ---- interface ---------------------------------------------------------------------------------

// Bits that differ from their left neighbour, or-ed: the highest of a half tells its size. 0 if all
// samples are 0.
static uint32_t sizes_of(const word *x, int32_t count) {
    uint32_t sizes = 0;
    for (const word *end = x + count; x < end; x += 4) {
        sizes |= (x[0] ^ x[0] << 1) | (x[1] ^ x[1] << 1);
        sizes |= (x[2] ^ x[2] << 1) | (x[3] ^ x[3] << 1);
    }
    return sizes;
}

static int32_t transform(const int16_t *x, int32_t count, uint32_t sizes, word *y) {
    // Samples lie in -2^b..2^b - 1; a leaf gives |z| up to 5.66 2^b, or 11.4 2^b.
    const int32_t b = bits_of(((sizes >> 16 | sizes) & 0xfffeu) >> 1);
    const int32_t is_odd = dsp_bits(count) & 1;
    int32_t exponent = is_odd ? b - 11 : b - 12;
    const int32_t scale = 1 << (16 - exponent);
    uint32_t extents = is_odd ? leaves_of_8(x, count, scale, y) : leaves_of_4(x, count, scale, y);
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
    *exponent = transform(x, n / 2, sizes, out);
    return DSP_OK;
}

#else

dsp_status dsp_rfft_q15(int32_t n, const int16_t x[], int16_t y[], int32_t *exponent) {
    (void)n, (void)x, (void)y, (void)exponent;
    return DSP_ERR_SIZE;
}

#endif
