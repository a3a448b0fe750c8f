// The constant table of the real FFT, as large as the largest size of this build needs.
#include "internal.h"

#if !DSP_TABLES_IN_CALLER_MEMORY

// T256 holds the entries that every size uses, T512 those that 512 needs besides, and so on.
#define KEEP(...) __VA_ARGS__,
#define DROP(...)
#define T256 KEEP
#if DSP_TABLE_N >= 512
#define T512 KEEP
#else
#define T512 DROP
#endif
#if DSP_TABLE_N >= 1024
#define T1024 KEEP
#else
#define T1024 DROP
#endif
#if DSP_TABLE_N >= 2048
#define T2048 KEEP
#else
#define T2048 DROP
#endif
#if DSP_TABLE_N >= 4096
#define T4096 KEEP
#else
#define T4096 DROP
#endif
#if DSP_TABLE_N >= 8192
#define T8192 KEEP
#else
#define T8192 DROP
#endif

const float dsp_twiddles[8 * (DSP_TABLE_N / 16 - 1)] = {
#include "twiddles.h"
};

#endif
