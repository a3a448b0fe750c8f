#pragma once

#include "py/obj.h"

// The flash as a block device, machine.Flash(): flash.img in the board's folder on the computer.
// It is written through at once, so the emulator may be killed at any moment, as a power cut may.
extern const mp_obj_type_t flash_type;
