// Hashes of many 16-bit transforms, printed. The same text runs on this computer: packed instructions
// and portable C must give the same bits, whatever the level and the shape of the input.
#include "../../dsp.h"

#if defined(__arm__)
#include "harness.h"
#else
#include <stdio.h>
#define print_number(name, value) printf("%s %u\n", name, (unsigned)(value))
#endif

static int16_t x[8192] __attribute__((aligned(4))), y[8192] __attribute__((aligned(4)));

static uint32_t noise(uint32_t *state) {
    *state = 1664525u * *state + 1013904223u;
    return *state;
}

// A square wave whose `turn` grows by `chirp` adds up at few bins, noise at none.
static void fill(int32_t n, uint32_t turn, uint32_t chirp, int32_t height, int32_t spread) {
    uint32_t phase = 0x20000000u, state = turn;
    for (int32_t i = 0; i < n; i++, phase += turn, turn += chirp) {
        const int32_t square = phase >> 31 ? -height - 1 : height;
        x[i] = (int16_t)(square + (int32_t)((int64_t)spread * (int32_t)noise(&state) >> 32));
    }
}

static void impulse(int32_t n, int32_t at, int32_t height) {
    fill(n, 0, 0, 0, 0);
    x[at] = (int16_t)height;
}

static uint32_t hashed(uint32_t hash, int32_t n) {
    int32_t exponent = 0;
    dsp_rfft_q15(n, x, y, &exponent);
    hash = (hash ^ (uint32_t)exponent) * 16777619u;
    for (int32_t i = 0; i < n; i++) {
        hash = (hash ^ (uint16_t)y[i]) * 16777619u;
    }
    return hash;
}

int main(void) {
    for (int32_t n = 256; n <= 8192; n *= 2) {
        uint32_t hash = 2166136261u;
        for (int32_t level = 32767; level > 0; level = 5 * level / 8) {
            for (uint32_t turn = 0; turn < 0x90000000u; turn += 0x0a000001u) {
                fill(n, turn, turn & 0x10000, level / 2, level);
                hash = hashed(hash, n);
                fill(n, turn & 0xfe000000u, 0, level, 0);
                hash = hashed(hash, n);
            }
            impulse(n, level % n, -level);
            hash = hashed(hash, n);
        }
        print_number("hash", hash);
    }
    return 0;
}
