// Lines of the envelope spectrum of a recording: int16 samples on standard input, their rate, m/s²
// of one LSB and a band as arguments. README.md shows how to build and run it.
#include <stdio.h>
#include <stdlib.h>

#include "../dsp.h"

enum { POINTS = 2048, BINS = POINTS / 2, LINES = 3, SAMPLES = 1024 };

static float state_memory[16384], plan_memory[4096], work[POINTS], amp[BINS], mean[BINS];

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: envelope RATE_HZ SCALE F_LO_HZ F_HI_HZ < samples\n");
        return 2;
    }
    const float scale = strtof(argv[2], NULL);
    const dsp_envelope_setup setup = {strtof(argv[1], NULL), strtof(argv[3], NULL),
                                      strtof(argv[4], NULL), 500.0f, POINTS};
    dsp_envelope_stream *state = NULL;
    const dsp_plan *plan;
    dsp_status status = dsp_plan_init(POINTS, plan_memory, sizeof plan_memory, &plan);
    if (!status) {
        status = dsp_envelope_stream_init(&setup, state_memory, sizeof state_memory, &state);
    }
    int16_t x[SAMPLES];
    int32_t records = 0, used, found = 0;
    for (int32_t n; !status && (n = (int32_t)fread(x, sizeof *x, SAMPLES, stdin)) > 0;) {
        for (int32_t at = 0; !status && at < n; at += used) {
            status = dsp_envelope_stream_feed(state, x + at, n - at, &used);
            if (!status && dsp_envelope_stream_missing(state) == 0) {  // a record is full
                status = dsp_envelope_stream_spectrum(state, plan, scale, BINS, work, amp);
                status = status ? status : dsp_power_add(amp, BINS, mean);
                records++;
            }
        }
    }
    if (!status && records == 0) {
        fprintf(stderr, "envelope: %d samples make a record\n",
                (int)dsp_envelope_stream_span(state));
        return 1;
    }
    dsp_line lines[LINES];
    if (!status) {
        status = dsp_power_mean(BINS, records, mean, amp);
    }
    if (!status) {
        const float bin_hz = dsp_envelope_stream_bin_hz(state);
        status = dsp_peaks(amp, (int32_t)(500.0f / bin_hz), bin_hz, DSP_WINDOW_HANN, 0.0f, LINES,
                           lines, &found);
    }
    if (status) {
        fprintf(stderr, "envelope: %s\n", dsp_status_text(status));
        return 1;
    }
    for (int32_t i = 0; i < found; i++) {
        printf("%.1f Hz  %.3g (m/s2)2\n", lines[i].freq_hz, lines[i].amp);
    }
    return 0;
}
