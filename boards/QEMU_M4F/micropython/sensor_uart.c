#include "sensor_uart.h"

#include <string.h>

#include "bus.h"
#include "py/runtime.h"

#define NUMBER 1
#define ROOM 256

static uint8_t waiting[ROOM];
static size_t waiting_size;

size_t sensor_uart_any(void) {
    uint16_t room = ROOM - waiting_size;
    uint8_t head[] = {BUS_UART_READ, NUMBER, room & 0xFF, room >> 8};
    bus_ask(head, sizeof(head), 0);
    int came = bus_hear(waiting + waiting_size, room);
    waiting_size += MAX(came, 0);
    return waiting_size;
}

size_t sensor_uart_read(uint8_t *data, size_t size) {
    size_t taken = MIN(size, sensor_uart_any());
    memcpy(data, waiting, taken);
    waiting_size -= taken;
    memmove(waiting, waiting + taken, waiting_size);
    return taken;
}

void sensor_uart_write(const uint8_t *data, size_t size) {
    uint8_t head[] = {BUS_UART_WRITE, NUMBER};
    bus_ask(head, sizeof(head), size);
    bus_tell(data, size);
    bus_hear(NULL, 0);
}
