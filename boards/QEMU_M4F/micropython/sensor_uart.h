// A sensor's serial line, which is the rig's UART 1. What has come is fetched when somebody asks.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Bytes waiting.
size_t sensor_uart_any(void);
// Takes at most `size` waiting bytes; returns how many.
size_t sensor_uart_read(uint8_t *data, size_t size);
void sensor_uart_write(const uint8_t *data, size_t size);
