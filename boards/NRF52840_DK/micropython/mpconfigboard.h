/* The nRF52840 DK as upstream knows it (PCA10056), under our name. */

#include "boards/PCA10056/mpconfigboard.h"

#undef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME "Resonode NRF52840_DK"
