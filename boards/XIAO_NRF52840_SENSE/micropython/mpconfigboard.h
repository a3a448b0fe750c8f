/* The XIAO nRF52840 Sense as upstream knows it (SEEED_XIAO_NRF52), under our name. */

#include "boards/SEEED_XIAO_NRF52/mpconfigboard.h"

#undef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME "Resonode XIAO_NRF52840_SENSE"
