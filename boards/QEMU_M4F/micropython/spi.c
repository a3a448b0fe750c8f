#include "spi.h"

#include <string.h>

#include "bus.h"
#include "extmod/modmachine.h"
#include "py/runtime.h"

#define MOST_WRITTEN 64
#define NOBODY 0xFF

// One message on the channel is one transaction on the wire, so what is written while a chip is
// selected goes out with the read that follows, or at deselection.
static uint8_t selected = NOBODY;
static uint8_t written[MOST_WRITTEN];
static size_t written_size;

static void transact(uint8_t *into, size_t size) {
    uint16_t count = MIN(size, 0xFFFF);  // far more than the rig lets through
    uint8_t head[] = {BUS_SPI, selected, count & 0xFF, count >> 8};
    bus_ask(head, sizeof(head), written_size);
    bus_tell(written, written_size);
    written_size = 0;
    int came = bus_hear(into, size);
    if (came < 0) {
        mp_raise_OSError(-came);
    }
}

void spi_init(void) {
    selected = NOBODY;
    written_size = 0;
}

void spi_select(int chip) {
    selected = chip;
    written_size = 0;
}

void spi_deselect(int chip) {
    if (selected != chip) {
        return;
    }
    if (written_size) {
        transact(NULL, 0);
    }
    selected = NOBODY;
}

bool spi_is_selected(int chip) {
    return selected == chip;
}

static void transfer(mp_obj_base_t *self, size_t size, const uint8_t *from, uint8_t *into) {
    if (into) {
        if (from != into) {
            mp_raise_NotImplementedError(MP_ERROR_TEXT("writing and reading at once"));
        }
        transact(into, size);
    } else {
        if (size > MOST_WRITTEN - written_size) {
            mp_raise_ValueError(MP_ERROR_TEXT("more than 64 bytes written in a transaction"));
        }
        memcpy(written + written_size, from, size);
        written_size += size;
    }
}

// Clock and mode are taken, and without effect.
static void take_options(size_t count, const mp_obj_t *args, mp_map_t *named) {
    static const mp_arg_t allowed[] = {
        {MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 1000000}},
        {MP_QSTR_polarity, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0}},
        {MP_QSTR_phase, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(count, args, named, MP_ARRAY_SIZE(allowed), allowed, values);
}

static void init(mp_obj_base_t *self, size_t count, const mp_obj_t *args, mp_map_t *named) {
    take_options(count, args, named);
}

static mp_obj_t make_new(const mp_obj_type_t *type, size_t count, size_t named_count,
                         const mp_obj_t *args) {
    static const mp_obj_base_t only = {&machine_spi_type};
    mp_arg_check_num(count, named_count, 1, 2, true);
    if (mp_obj_get_int(args[0]) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is SPI 0 alone"));
    }
    mp_map_t named;
    mp_map_init_fixed_table(&named, named_count, args + count);
    take_options(count - 1, args + 1, &named);
    return MP_OBJ_FROM_PTR(&only);
}

static const mp_machine_spi_p_t protocol_spi = {.init = init, .transfer = transfer};

MP_DEFINE_CONST_OBJ_TYPE(machine_spi_type, MP_QSTR_SPI, MP_TYPE_FLAG_NONE, make_new, make_new,
                         protocol, &protocol_spi, locals_dict, &mp_machine_spi_locals_dict);
