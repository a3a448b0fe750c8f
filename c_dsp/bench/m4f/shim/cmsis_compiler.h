// The part of CMSIS-Core that CMSIS-DSP's transforms use, by ACLE intrinsics: the same instructions.
#ifndef RESONODE_BENCH_CMSIS_COMPILER_H
#define RESONODE_BENCH_CMSIS_COMPILER_H

#include <arm_acle.h>
#include <stdint.h>

#define __STATIC_INLINE static inline
#define __STATIC_FORCEINLINE static inline __attribute__((always_inline))
#define __ALIGNED(x) __attribute__((aligned(x)))
#define __WEAK __attribute__((weak))
#define __PACKED_STRUCT struct __attribute__((packed))

#define __ASM __asm__
#define __CLZ(x) ((uint8_t)((x) ? __builtin_clz(x) : 32))
#define __ROR(x, n) __ror((x), (n))
#define __SSAT(x, n) __ssat((x), (n))
#define __USAT(x, n) __usat((x), (n))
#define __QADD(a, b) __qadd((a), (b))
#define __QSUB(a, b) __qsub((a), (b))
#define __QADD8(a, b) ((uint32_t)__qadd8((a), (b)))
#define __QSUB8(a, b) ((uint32_t)__qsub8((a), (b)))
#define __QADD16(a, b) ((uint32_t)__qadd16((int16x2_t)(a), (int16x2_t)(b)))
#define __QSUB16(a, b) ((uint32_t)__qsub16((int16x2_t)(a), (int16x2_t)(b)))
#define __SHADD16(a, b) ((uint32_t)__shadd16((int16x2_t)(a), (int16x2_t)(b)))
#define __SHSUB16(a, b) ((uint32_t)__shsub16((int16x2_t)(a), (int16x2_t)(b)))
#define __QASX(a, b) ((uint32_t)__qasx((int16x2_t)(a), (int16x2_t)(b)))
#define __QSAX(a, b) ((uint32_t)__qsax((int16x2_t)(a), (int16x2_t)(b)))
#define __SHASX(a, b) ((uint32_t)__shasx((int16x2_t)(a), (int16x2_t)(b)))
#define __SHSAX(a, b) ((uint32_t)__shsax((int16x2_t)(a), (int16x2_t)(b)))
#define __SXTB16(a) ((uint32_t)__sxtb16(a))
#define __SMUAD(a, b) ((uint32_t)__smuad((int16x2_t)(a), (int16x2_t)(b)))
#define __SMUADX(a, b) ((uint32_t)__smuadx((int16x2_t)(a), (int16x2_t)(b)))
#define __SMUSD(a, b) ((uint32_t)__smusd((int16x2_t)(a), (int16x2_t)(b)))
#define __SMUSDX(a, b) ((uint32_t)__smusdx((int16x2_t)(a), (int16x2_t)(b)))
#define __SMLAD(a, b, c) ((uint32_t)__smlad((int16x2_t)(a), (int16x2_t)(b), (int32_t)(c)))
#define __SMLADX(a, b, c) ((uint32_t)__smladx((int16x2_t)(a), (int16x2_t)(b), (int32_t)(c)))
#define __SMLSDX(a, b, c) ((uint32_t)__smlsdx((int16x2_t)(a), (int16x2_t)(b), (int32_t)(c)))
#define __SMLALD(a, b, c) ((uint64_t)__smlald((int16x2_t)(a), (int16x2_t)(b), (int64_t)(c)))
#define __SMLALDX(a, b, c) ((uint64_t)__smlaldx((int16x2_t)(a), (int16x2_t)(b), (int64_t)(c)))
#define __PKHBT(a, b, n) ((((uint32_t)(a)) & 0xffffu) | ((((uint32_t)(b)) << (n)) & 0xffff0000u))
#define __PKHTB(a, b, n) ((((uint32_t)(a)) & 0xffff0000u) | ((((uint32_t)(b)) >> (n)) & 0xffffu))

static inline int32_t __SMMLA(int32_t a, int32_t b, int32_t c) {
    return (int32_t)(((int64_t)a * b + ((int64_t)c << 32)) >> 32);
}

#endif
