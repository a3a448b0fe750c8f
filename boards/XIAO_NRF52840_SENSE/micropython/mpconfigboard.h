/* The XIAO nRF52840 Sense as upstream knows it (SEEED_XIAO_NRF52), under our name. */

#include "boards/SEEED_XIAO_NRF52/mpconfigboard.h"

#undef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME "Resonode XIAO_NRF52840_SENSE"

// A sixth fewer instructions for bytecode (make bench-m4f).
#define MICROPY_OPT_COMPUTED_GOTO (1)
// Everything is marked in one pass; with 64, as usual, a collection takes twice as long.
#define MICROPY_ALLOC_GC_STACK_SIZE (256)
