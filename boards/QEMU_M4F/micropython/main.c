// Power-on to prompt: heap, filesystem, boot.py, main.py.

#include "extmod/vfs.h"
#include "extmod/vfs_lfs.h"
#include "flash.h"
#include "host.h"
#include "lines.h"
#include "py/frozenmod.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "spi.h"

extern char _stack_start, _stack_end, _heap_start, _heap_end, _extra_start, _extra_end;

#define STACK_MARGIN 1024  // for interrupts, and C functions that do not look

// The heap is that of the chip this stands for, unless `heap=` asks for more.
static void make_heap(void) {
    uint32_t own = &_heap_end - &_heap_start, wanted = host_argument("heap", own);
    if (wanted <= own) {
        gc_init(&_heap_start, &_heap_start + wanted);
    } else {
        gc_init(&_extra_start, MIN(&_extra_start + wanted, &_extra_end));
    }
}

static mp_obj_t filesystem(mp_obj_t flash) {
    return MP_OBJ_TYPE_GET_SLOT(&mp_type_vfs_lfs2, make_new)(&mp_type_vfs_lfs2, 1, 0, &flash);
}

// Some ports mount at /, others (upstream's nrf) at /flash, as `flash=1` does here.
static mp_obj_t mount_point(void) {
    return host_argument("flash", 0) ? MP_OBJ_NEW_QSTR(MP_QSTR__slash_flash)
                                     : MP_OBJ_NEW_QSTR(MP_QSTR__slash_);
}

// A flash that holds nothing readable is said to be so and left alone.
static void mount(void) {
    nlr_buf_t guard;
    if (nlr_push(&guard) == 0) {
        mp_obj_t flash = MP_OBJ_TYPE_GET_SLOT(&flash_type, make_new)(&flash_type, 0, 0, NULL);
        mp_vfs_mount_and_chdir_protected(filesystem(flash), mount_point());
        nlr_pop();
    } else {
        mp_printf(&mp_plat_print, "no filesystem in flash.img:\n");
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(guard.ret_val));
    }
}

static void prompt(void) {
    for (;;) {
        int left =
            pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (left) {
            return;
        }
    }
}

// What is compiled in cannot be interrupted from the console, and so ends in no prompt.
static int run_boot(void) {
    if (mp_find_frozen_module("boot.py", NULL, NULL) == MP_IMPORT_STAT_FILE) {
        return pyexec_frozen_module("boot.py", false);
    }
    return pyexec_file_if_exists("boot.py");
}

static void run_files(void) {
    int ended = run_boot();
    if (!(ended & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        ended = pyexec_file_if_exists("main.py");
    }
    if (!(ended & PYEXEC_FORCED_EXIT)) {
        prompt();
    }
}

int main(void) {
    mp_stack_set_top(&_stack_end);
    mp_stack_set_limit(&_stack_end - &_stack_start - STACK_MARGIN);
    hal_init();
    for (;;) {
        make_heap();
        mp_init();
        lines_init();
        spi_init();
        mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(MP_QSTR__slash_lib));
        readline_init0();
        mount();
        run_files();
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *value) {
    host_say("an exception that nobody catches\n");
    host_exit(CRASH_EXIT_CODE);
}
