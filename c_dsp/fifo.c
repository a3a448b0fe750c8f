// Splitting of tagged FIFO images.
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
