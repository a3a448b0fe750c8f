// The streaming analysis of one axis, stage by stage, for counting instructions: budget STAGES WINDOWS
//
// STAGES is any of: f features, s averaged spectrum, d decimation, c half-band chain (instead of d),
// v streaming velocity, e streaming envelope. Prints the caller's memory of the stages in bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dsp.h"

#define N 1024
#define RATE_HZ 26667.0f

static int16_t x[N];
static int32_t slow[N / 8 + 1];
static float work[N], acc[N / 2 + 1], amp[N / 2 + 1];
static _Alignas(16) unsigned char plan_memory[65536], stream_memory[65536], chain_memory[4096];
static dsp_decimator decimator;
static dsp_motion motion;

static const dsp_envelope_setup setup = {RATE_HZ, 2000.0f, 4000.0f, 500.0f, N};
static const dsp_plan *plan;
static dsp_envelope_stream *stream;
static dsp_halfband *chain;
static dsp_feature_set features;

static int prepare(void) {
    int bad = dsp_plan_init(N, plan_memory, sizeof plan_memory, &plan);
    bad |= dsp_envelope_stream_init(&setup, stream_memory, sizeof stream_memory, &stream);
    bad |= dsp_halfband_init(3, chain_memory, sizeof chain_memory, &chain);
    bad |= dsp_motion_init(RATE_HZ / 8, 10.0f, 1.0f, &motion);
    dsp_decimate_reset(&decimator);
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (int16_t)((int32_t)(seed >> 20) - 2048 + 2049);
    }
    return bad;
}

static int window(const char *stages) {
    int bad = 0;
    int32_t made = 0, used = 0;
    if (strchr(stages, 'f')) {
        bad |= dsp_features(x, N, 1.0f, &features);
    }
    if (strchr(stages, 's')) {
        bad |= dsp_spectrum(plan, x, 1.0f, work, amp);
        bad |= dsp_power_add(amp, N / 2 + 1, acc);
    }
    if (strchr(stages, 'd')) {
        bad |= dsp_decimate(&decimator, x, N, N / 8 + 1, slow, &made);
    }
    if (strchr(stages, 'c')) {
        bad |= dsp_halfband_feed(chain, x, N, N / 8 + 1, slow, &made);
    }
    if (strchr(stages, 'v')) {
        bad |= dsp_motion_feed(&motion, slow, N / 8, NULL, NULL);
    }
    for (int32_t at = 0; strchr(stages, 'e') && at < N; at += used) {
        bad |= dsp_envelope_stream_feed(stream, x + at, N - at, &used);
        if (dsp_envelope_stream_missing(stream) == 0) {
            bad |= dsp_envelope_stream_spectrum(stream, plan, 1.0f, N / 2, work, amp);
        }
    }
    return bad;
}

static size_t memory_of(const char *stages) {
    size_t bytes = 0;
    bytes += strchr(stages, 'f') ? sizeof features : 0;
    bytes += strchr(stages, 's') ? dsp_plan_bytes(N) + sizeof work + sizeof acc : 0;
    bytes += strchr(stages, 'd') ? sizeof decimator + sizeof slow : 0;
    bytes += strchr(stages, 'c') ? dsp_halfband_bytes(3) + sizeof slow : 0;
    bytes += strchr(stages, 'v') ? sizeof motion : 0;
    bytes += strchr(stages, 'e') ? dsp_envelope_stream_bytes(&setup) + sizeof amp : 0;
    return bytes;
}

#if defined(__arm__)
#include "m4f/harness.h"

#define WINDOWS 48  // two records of the envelope
#define CHECKS 64

static const char *chosen;

static void run(void) {
    for (int w = 0; w < WINDOWS; w++) {
        window(chosen);
    }
}

// Features of blocks of many lengths and sizes, which must have the bits of the host's (budget.py).
static void check_features(void) {
    static dsp_feature_set seen[CHECKS];
    uint32_t seed = 7;
    for (int c = 0; c < CHECKS; c++) {
        for (int i = 0; i < N; i++) {
            seed = seed * 1664525u + 1013904223u;
            const int32_t sample = (int32_t)seed >> (16 + c % 16);
            x[i] = (int16_t)(c % 3 == 0 && i % 5 ? INT16_MAX - (sample & 15) : sample);
        }
        dsp_features(x, N - 13 * c, 0.01f, seen + c);
    }
    write_file("features", seen, sizeof seen);
}

int main(void) {
    static const char *const all[] = {"f", "s", "d", "c", "v", "e", "fsdve", "fscve"};
    counter_start();
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        chosen = all[i];
        prepare();
        print_number(chosen, count_instructions(run));
        print_number("bytes", (uint32_t)memory_of(chosen));
    }
    print_number("samples", WINDOWS * N);
    check_features();
    return 0;
}
#else
int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    int bad = prepare();
    for (int w = atoi(argv[2]); w > 0; w--) {
        bad |= window(argv[1]);
    }
    printf("%zu\n", memory_of(argv[1]));
    return bad;
}
#endif
