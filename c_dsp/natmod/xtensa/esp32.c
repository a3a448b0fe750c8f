// The processor core of the ESP32 (Xtensa LX6) for GNU tools that take it from a shared object.
//
// GCC, as and ld load the object that XTENSA_GNU_CONFIG names and look these symbols up: the
// configuration as numbers, the same as macros, and the table of instructions. The values are those
// of ESP-IDF's core-isa.h. The ESP32-S3 (LX7) has all of this too; an ESP32-S2 has no FPU.
//
// The table is QEMU's of its core de233_fpu, which has the same FPU, windows and loops, and more that
// GCC never asks for; it lacks the high half of a 32-bit product, so that is added here.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ATTRIBUTE_UNUSED __attribute__((unused))
#include "xtensa-modules.c.inc"

#define CORE_V1(ENTRY)                                                                             \
    ENTRY(XCHAL_HAVE_BE, 0)                                                                        \
    ENTRY(XCHAL_HAVE_DENSITY, 1)                                                                   \
    ENTRY(XCHAL_HAVE_CONST16, 0)                                                                   \
    ENTRY(XCHAL_HAVE_ABS, 1)                                                                       \
    ENTRY(XCHAL_HAVE_ADDX, 1)                                                                      \
    ENTRY(XCHAL_HAVE_L32R, 1)                                                                      \
    ENTRY(XSHAL_USE_ABSOLUTE_LITERALS, 0)                                                          \
    ENTRY(XSHAL_HAVE_TEXT_SECTION_LITERALS, 1)                                                     \
    ENTRY(XCHAL_HAVE_MAC16, 1)                                                                     \
    ENTRY(XCHAL_HAVE_MUL16, 1)                                                                     \
    ENTRY(XCHAL_HAVE_MUL32, 1)                                                                     \
    ENTRY(XCHAL_HAVE_MUL32_HIGH, 1)                                                                \
    ENTRY(XCHAL_HAVE_DIV32, 1)                                                                     \
    ENTRY(XCHAL_HAVE_NSA, 1)                                                                       \
    ENTRY(XCHAL_HAVE_MINMAX, 1)                                                                    \
    ENTRY(XCHAL_HAVE_SEXT, 1)                                                                      \
    ENTRY(XCHAL_HAVE_LOOPS, 1)                                                                     \
    ENTRY(XCHAL_HAVE_THREADPTR, 1)                                                                 \
    ENTRY(XCHAL_HAVE_RELEASE_SYNC, 1)                                                              \
    ENTRY(XCHAL_HAVE_S32C1I, 1)                                                                    \
    ENTRY(XCHAL_HAVE_BOOLEANS, 1)                                                                  \
    ENTRY(XCHAL_HAVE_FP, 1)                                                                        \
    ENTRY(XCHAL_HAVE_FP_DIV, 1)                                                                    \
    ENTRY(XCHAL_HAVE_FP_RECIP, 1)                                                                  \
    ENTRY(XCHAL_HAVE_FP_SQRT, 1)                                                                   \
    ENTRY(XCHAL_HAVE_FP_RSQRT, 1)                                                                  \
    ENTRY(XCHAL_HAVE_FP_POSTINC, 1)                                                                \
    ENTRY(XCHAL_HAVE_DFP, 0)                                                                       \
    ENTRY(XCHAL_HAVE_DFP_DIV, 0)                                                                   \
    ENTRY(XCHAL_HAVE_DFP_RECIP, 0)                                                                 \
    ENTRY(XCHAL_HAVE_DFP_SQRT, 0)                                                                  \
    ENTRY(XCHAL_HAVE_DFP_RSQRT, 0)                                                                 \
    ENTRY(XCHAL_HAVE_WINDOWED, 1)                                                                  \
    ENTRY(XCHAL_NUM_AREGS, 64)                                                                     \
    ENTRY(XCHAL_HAVE_WIDE_BRANCHES, 0)                                                             \
    ENTRY(XCHAL_HAVE_PREDICTED_BRANCHES, 0)                                                        \
    ENTRY(XCHAL_ICACHE_SIZE, 0)                                                                    \
    ENTRY(XCHAL_DCACHE_SIZE, 0)                                                                    \
    ENTRY(XCHAL_ICACHE_LINESIZE, 4)                                                                \
    ENTRY(XCHAL_DCACHE_LINESIZE, 4)                                                                \
    ENTRY(XCHAL_ICACHE_LINEWIDTH, 2)                                                               \
    ENTRY(XCHAL_DCACHE_LINEWIDTH, 2)                                                               \
    ENTRY(XCHAL_DCACHE_IS_WRITEBACK, 0)                                                            \
    ENTRY(XCHAL_HAVE_MMU, 0)                                                                       \
    ENTRY(XCHAL_MMU_MIN_PTE_PAGE_SIZE, 1)                                                          \
    ENTRY(XCHAL_HAVE_DEBUG, 1)                                                                     \
    ENTRY(XCHAL_NUM_IBREAK, 2)                                                                     \
    ENTRY(XCHAL_NUM_DBREAK, 2)                                                                     \
    ENTRY(XCHAL_DEBUGLEVEL, 6)                                                                     \
    ENTRY(XCHAL_MAX_INSTRUCTION_SIZE, 3)                                                           \
    ENTRY(XCHAL_INST_FETCH_WIDTH, 4)                                                               \
    ENTRY(XSHAL_ABI, 0)                                                                            \
    ENTRY(XTHAL_ABI_WINDOWED, 0)                                                                   \
    ENTRY(XTHAL_ABI_CALL0, 1)
#define CORE_V2(ENTRY)                                                                             \
    ENTRY(XCHAL_M_STAGE, 2)                                                                        \
    ENTRY(XTENSA_MARCH_LATEST, 260003)                                                             \
    ENTRY(XTENSA_MARCH_EARLIEST, 260003)
#define CORE_V3(ENTRY)                                                                             \
    ENTRY(XCHAL_HAVE_CLAMPS, 1)                                                                    \
    ENTRY(XCHAL_HAVE_DEPBITS, 0)                                                                   \
    ENTRY(XCHAL_HAVE_EXCLUSIVE, 0)                                                                 \
    ENTRY(XCHAL_HAVE_XEA3, 0)
#define CORE_V4(ENTRY)                                                                             \
    ENTRY(XCHAL_DATA_WIDTH, 4)                                                                     \
    ENTRY(XCHAL_UNALIGNED_LOAD_EXCEPTION, 0)                                                       \
    ENTRY(XCHAL_UNALIGNED_STORE_EXCEPTION, 0)                                                      \
    ENTRY(XCHAL_UNALIGNED_LOAD_HW, 1)                                                              \
    ENTRY(XCHAL_UNALIGNED_STORE_HW, 1)

#define VALUE(name, value) value,
#define MACRO(name, value) "__" #name "=" #value,

const int plugin_is_GPL_compatible = 1;  // GCC asks
const int xtensa_config_v1[] = {CORE_V1(VALUE)};
const int xtensa_config_v2[] = {CORE_V2(VALUE)};
const int xtensa_config_v3[] = {CORE_V3(VALUE)};
const int xtensa_config_v4[] = {CORE_V4(VALUE)};
const char *const xtensa_config_strings[] = {CORE_V1(MACRO) CORE_V2(MACRO) CORE_V3(MACRO)
                                                 CORE_V4(MACRO) NULL};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// MULUH and MULSH take their operands as MULL does, and differ from it in the field op2.
static void encode_muluh(xtensa_insnbuf slot) {
    slot[0] = 0xa20000;
}

static void encode_mulsh(xtensa_insnbuf slot) {
    slot[0] = 0xb20000;
}

static xtensa_opcode_encode_fn muluh_slots[] = {encode_muluh, NULL, NULL};
static xtensa_opcode_encode_fn mulsh_slots[] = {encode_mulsh, NULL, NULL};
static xtensa_opcode_internal all_opcodes[COUNT(opcodes) + 2];
static xtensa_opcode_decode_fn decode_others;

static int decode(const xtensa_insnbuf insn) {
    switch (insn[0] & 0xff000f) {
    case 0xa20000 & 0xff000f:
        return COUNT(opcodes);
    case 0xb20000 & 0xff000f:
        return COUNT(opcodes) + 1;
    default:
        return decode_others(insn);
    }
}

__attribute__((constructor)) static void add_high_products(void) {
    memcpy(all_opcodes, opcodes, sizeof opcodes);
    all_opcodes[COUNT(opcodes)] =
        (xtensa_opcode_internal){"muluh", ICLASS_xt_mul32, 0, muluh_slots, 0, NULL};
    all_opcodes[COUNT(opcodes) + 1] =
        (xtensa_opcode_internal){"mulsh", ICLASS_xt_mul32, 0, mulsh_slots, 0, NULL};
    xtensa_modules.opcodes = all_opcodes;
    xtensa_modules.num_opcodes = COUNT(all_opcodes);
    decode_others = slots[0].opcode_decode_fn;
    slots[0].opcode_decode_fn = decode;
}
