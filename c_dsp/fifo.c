// Splitting of FIFO images.
#include "internal.h"

enum { TAG_ACCEL = 0x02, TAG_TEMPERATURE = 0x03, TAG_TIMESTAMP = 0x04 };

static int is_even(uint32_t byte) {
    byte ^= byte >> 4;
    byte ^= byte >> 2;
    byte ^= byte >> 1;
    return (byte & 1u) == 0;
}

// What a word is; 0 (the FIFO's own "nothing") when the tag cannot be trusted or is not known.
static uint32_t kind_of(const uint8_t word[]) {
    const uint32_t kind = word[0] >> 3;
    const int known = kind == TAG_ACCEL || kind == TAG_TEMPERATURE || kind == TAG_TIMESTAMP;
    return known && is_even(word[0]) ? kind : 0;
}

static int32_t count_samples(const uint8_t image[], int32_t words) {
    int32_t samples = 0;
    for (int32_t i = 0; i < words; i++) {
        samples += kind_of(image + i * DSP_FIFO_WORD_BYTES) == TAG_ACCEL;
    }
    return samples;
}

DSP_INLINE int16_t i16_at(const uint8_t *p) {
    return (int16_t)(uint16_t)(p[0] | (p[1] << 8));
}

DSP_INLINE int32_t i32_at(const uint8_t *p) {
    return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                     (uint32_t)p[3] << 24);
}

// Every slot holds one acceleration word, so the counter must be one up from the last of those; any
// other word belongs to the slot of the word before it or opens the next one. -1: none seen yet.
static int is_hole(uint32_t kind, int32_t counter, int32_t last, int32_t last_accel) {
    if (kind == TAG_ACCEL && last_accel >= 0) {
        return ((counter - last_accel) & 3) != 1;
    }
    return last >= 0 && ((counter - last) & 3) > 1;
}

dsp_status dsp_fifo_split(const uint8_t image[], int32_t words, int32_t room, int16_t x[],
                          int16_t y[], int16_t z[], dsp_fifo_info *info) {
    if (words < 0) {
        return DSP_ERR_SIZE;
    }
    const size_t held = room < 0 ? 0 : (size_t)room;
    DSP_REQUIRE(DSP_IN(image, (size_t)words * DSP_FIFO_WORD_BYTES), DSP_OUT(x, held),
                DSP_OUT(y, held), DSP_OUT(z, held), DSP_OUT(info, 1));
    if (words > room && count_samples(image, words) > room) {
        return DSP_ERR_SPACE;
    }
    dsp_fifo_info seen = {0};
    int32_t last = -1, last_accel = -1;
    for (const uint8_t *word = image; words > 0; words--, word += DSP_FIFO_WORD_BYTES) {
        const uint32_t kind = kind_of(word);
        if (kind == 0) {
            seen.bad++;
            continue;
        }
        const int32_t counter = (word[0] >> 1) & 3;
        seen.hole |= is_hole(kind, counter, last, last_accel);
        last = counter;
        if (kind == TAG_ACCEL) {
            last_accel = counter;
            x[seen.samples] = i16_at(word + 1);
            y[seen.samples] = i16_at(word + 3);
            z[seen.samples] = i16_at(word + 5);
            seen.samples++;
        } else if (kind == TAG_TIMESTAMP) {
            seen.timestamps++;
            seen.timestamp = i32_at(word + 1);
            seen.before_timestamp = seen.samples;
        } else {
            seen.temperatures++;
            seen.temperature = i16_at(word + 1);
        }
    }
    *info = seen;
    return DSP_OK;
}

// ---- entries of x, y, z ------------------------------------------------------------------------

enum { PLAIN_BYTES = 6, MARKED_BYTES = 9, MARKS = 0x010000, MARK_MASK = 0x030303 };

// The two lowest bits of each word's last byte: x is marked, none is empty.
static int is_xyz(const uint8_t entry[]) {
    const uint32_t marks = (uint32_t)entry[2] << 16 | (uint32_t)entry[5] << 8 | entry[8];
    return (marks & MARK_MASK) == MARKS;
}

// Upper 16 of 20 bits, rounded half up; the top half LSB of the range stays in it.
static int32_t narrowed(const uint8_t *p) {
    const int32_t upper = (int16_t)(uint16_t)(p[0] << 8 | p[1]);
    return upper + (p[2] >> 7);
}

static int16_t limited(int32_t value, int32_t top) {
    return (int16_t)(value >= top ? INT16_MAX : value);
}

dsp_status dsp_xyz_split(const uint8_t image[], int32_t n, int32_t entry_bytes, int32_t top,
                         int16_t x[], int16_t y[], int16_t z[], int32_t *good) {
    if (n < 0 || (entry_bytes != PLAIN_BYTES && entry_bytes != MARKED_BYTES)) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_IN(image, (size_t)n * (size_t)entry_bytes), DSP_OUT(x, n), DSP_OUT(y, n),
                DSP_OUT(z, n), DSP_OUT(good, 1));
    int32_t i = 0;
    for (const uint8_t *p = image; i < n; i++, p += entry_bytes) {
        if (entry_bytes == PLAIN_BYTES) {
            x[i] = limited(i16_at(p), top);
            y[i] = limited(i16_at(p + 2), top);
            z[i] = limited(i16_at(p + 4), top);
        } else if (is_xyz(p)) {
            x[i] = limited(narrowed(p), top);
            y[i] = limited(narrowed(p + 3), top);
            z[i] = limited(narrowed(p + 6), top);
        } else {
            break;
        }
    }
    *good = i;
    return DSP_OK;
}

dsp_status dsp_widen(const int16_t x[], int32_t n, int32_t out[]) {
    if (n < 0) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_IN(x, n), DSP_OUT(out, n));
    for (int32_t i = 0; i < n; i++) {
        out[i] = x[i] * (1 << DSP_DECIMATE_FRACTION_BITS);
    }
    return DSP_OK;
}
