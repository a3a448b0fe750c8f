#pragma once

#include "py/obj.h"

// machine.Pin: pins 0..7 are the chip selects 0..7 of the SPI, pins 8..15 the interrupt lines 0..7.
extern const mp_obj_type_t pin_type;
