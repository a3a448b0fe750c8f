/* The nRF52840 DK as upstream knows it (PCA10056), under our name. */

#include "boards/PCA10056/mpconfigboard.h"

#undef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME "Resonode NRF52840_DK"

// A sixth fewer instructions for bytecode (make bench-m4f).
#define MICROPY_OPT_COMPUTED_GOTO (1)
// Everything is marked in one pass; with 64, as usual, a collection takes twice as long.
#define MICROPY_ALLOC_GC_STACK_SIZE (256)
