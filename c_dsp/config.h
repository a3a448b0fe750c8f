// What a build may leave out, or trade. Each is a number given to the compiler (-DDSP_SIZES=1024).
// Results do not depend on any of these, not in one bit.
#ifndef RESONODE_DSP_CONFIG_H
#define RESONODE_DSP_CONFIG_H

// Transform sizes that exist, added up. A plan of any other is refused (DSP_ERR_SIZE).
#ifndef DSP_SIZES
#define DSP_SIZES (256 | 512 | 1024 | 2048 | 4096 | 8192 | 16384)
#endif

// 1: the transform's first pass is one loop for every kind of input and size: an eighth of its code.
#ifndef DSP_SMALL
#define DSP_SMALL 0
#endif

// Sizes whose code is made for their strides alone: a quarter fewer instructions, for 1 to 3 KB of
// code each. 0: one small loop for all. 16384 has no code of its own.
#ifndef DSP_SPECIALISE
#define DSP_SPECIALISE (DSP_SIZES & ~16384)
#endif

// 1: twiddles are computed by dsp_plan_init into the plan, in the caller's memory, instead of being
// constants of the program: for native modules, whose constants lie in RAM anyway, and for targets
// with little flash. Plans of 16384 points always are.
#ifndef DSP_TABLES_IN_CALLER_MEMORY
#define DSP_TABLES_IN_CALLER_MEMORY 0
#endif

// The constant table serves sizes up to this one: 16 KB for 8192, 2 KB for 1024.
#if DSP_SIZES & 8192
#define DSP_TABLE_N 8192
#elif DSP_SIZES & 4096
#define DSP_TABLE_N 4096
#elif DSP_SIZES & 2048
#define DSP_TABLE_N 2048
#elif DSP_SIZES & 1024
#define DSP_TABLE_N 1024
#elif DSP_SIZES & 512
#define DSP_TABLE_N 512
#else
#define DSP_TABLE_N 256
#endif

// Longest 16-bit transform, a power of two from 256 to 8192, or 0 for none. Its tables take twice as
// many bytes.
#ifndef DSP_TABLE_Q15_N
#define DSP_TABLE_Q15_N DSP_TABLE_N
#endif

#endif
