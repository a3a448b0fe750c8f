// The constant tables of the 16-bit FFT, as large as the largest size of this build needs.
#include "internal.h"

#if DSP_TABLE_Q15_N > 0

// T128 holds the entries that every size uses, T256 those that 512 needs besides, and so on.
#define KEEP(...) __VA_ARGS__,
#define DROP(...)
#define T128 KEEP
#if DSP_TABLE_Q15_N > 256
#define T256 KEEP
#else
#define T256 DROP
#endif
#if DSP_TABLE_Q15_N > 512
#define T512 KEEP
#else
#define T512 DROP
#endif
#if DSP_TABLE_Q15_N > 1024
#define T1024 KEEP
#else
#define T1024 DROP
#endif
#if DSP_TABLE_Q15_N > 2048
#define T2048 KEEP
#else
#define T2048 DROP
#endif
#if DSP_TABLE_Q15_N > 4096
#define T4096 KEEP
#else
#define T4096 DROP
#endif

#define DSP_TRIPLES
const uint32_t dsp_triples_q15[3 * (DSP_TABLE_Q15_N / 8)] = {
#include "twiddles_q15.h"
};
#undef DSP_TRIPLES

const uint32_t dsp_singles_q15[DSP_TABLE_Q15_N / 8] = {
#include "twiddles_q15.h"
};

#endif
