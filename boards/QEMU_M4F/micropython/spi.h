// machine.SPI(0). Chip selects are pins (pin.c), which tell it who is selected.
#pragma once

#include <stdbool.h>

void spi_init(void);  // nobody is
void spi_select(int chip);
// Sends what was written and not followed by a read. Raises OSError when the rig refuses it.
void spi_deselect(int chip);
bool spi_is_selected(int chip);
