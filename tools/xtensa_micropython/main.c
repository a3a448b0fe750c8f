// qemu-xtensa firmware.elf SCRIPT [ARGUMENT ...]: runs the script; 1 if it raises.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"
#include "py/builtin.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "py/stream.h"

static char heap[64 * 1024 * 1024];

// The heap is more than any script here makes, so nothing is ever collected.
void gc_collect(void) {
}

void nlr_jump_fail(void *value) {
    (void)value;
    exit(3);
}

void mp_hal_stdout_tx_strn_cooked(const char *text, size_t size) {
    write(1, text, size);
}

mp_import_stat_t mp_import_stat(const char *path) {
    int file = linux_call(CALL_OPEN, (int)path, LINUX_FOLDER, 0, 0);
    mp_import_stat_t found = MP_IMPORT_STAT_DIR;
    if (file < 0) {
        file = linux_call(CALL_OPEN, (int)path, 0, 0, 0);
        found = MP_IMPORT_STAT_FILE;
    }
    if (file < 0) {
        return MP_IMPORT_STAT_NO_EXIST;
    }
    close(file);
    return found;
}

// --- open() ---

typedef struct {
    mp_obj_base_t base;
    int file;
} File;

static mp_uint_t answer(int result, int *error) {
    if (result < 0) {
        *error = -result;
        return MP_STREAM_ERROR;
    }
    return (mp_uint_t)result;
}

static mp_uint_t file_read(mp_obj_t self, void *data, mp_uint_t size, int *error) {
    File *file = MP_OBJ_TO_PTR(self);
    return answer(linux_call(CALL_READ, file->file, (int)data, (int)size, 0), error);
}

static mp_uint_t file_write(mp_obj_t self, const void *data, mp_uint_t size, int *error) {
    File *file = MP_OBJ_TO_PTR(self);
    return answer(linux_call(CALL_WRITE, file->file, (int)data, (int)size, 0), error);
}

static mp_uint_t file_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t argument, int *error) {
    File *file = MP_OBJ_TO_PTR(self);
    (void)argument;
    if (request == MP_STREAM_CLOSE) {
        return answer(linux_call(CALL_CLOSE, file->file, 0, 0, 0), error);
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static const mp_rom_map_elem_t file_methods[] = {
    {MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj)},
    {MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj)},
    {MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj)},
    {MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&mp_stream___exit___obj)},
};
static MP_DEFINE_CONST_DICT(file_dict, file_methods);

static const mp_stream_p_t file_stream = {
    .read = file_read, .write = file_write, .ioctl = file_ioctl};

MP_DEFINE_CONST_OBJ_TYPE(file_type, MP_QSTR_File, MP_TYPE_FLAG_ITER_IS_STREAM, protocol, &file_stream,
                         locals_dict, &file_dict);

mp_obj_t mp_builtin_open(size_t count, const mp_obj_t *given, mp_map_t *named) {
    const char *path = mp_obj_str_get_str(given[0]);
    const char *mode = count > 1 ? mp_obj_str_get_str(given[1]) : "r";
    const int flags = mode[0] == 'w' ? LINUX_WRITE_ANEW : 0;
    (void)named;
    const int file = linux_call(CALL_OPEN, (int)path, flags, 0644, 0);
    if (file < 0) {
        mp_raise_OSError(-file);
    }
    File *self = mp_obj_malloc(File, &file_type);
    self->file = file;
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_KW(mp_builtin_open_obj, 1, mp_builtin_open);

// --- a script ---

static int run(const char *script) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        const qstr name = qstr_from_str(script);
        mp_lexer_t *lexer = mp_lexer_new_from_file(name);
        mp_parse_tree_t tree = mp_parse(lexer, MP_PARSE_FILE_INPUT);
        mp_call_function_0(mp_compile(&tree, name, false));
        nlr_pop();
        return 0;
    }
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 2;
    }
    mp_cstack_init_with_sp_here(4 * 1024 * 1024);
    gc_init(heap, heap + sizeof heap);
    mp_init();
    for (int i = 1; i < argc; i++) {
        mp_obj_list_append(mp_sys_argv, mp_obj_new_str_from_cstr(argv[i]));
    }
    return run(argv[1]);
}
