// What the computer around the emulator gives, by semihosting: files, entropy, the date, the end.
//
// The board's own folder on the computer is QEMU's working directory. It holds
//   flash.img  the contents of the flash; its length is the flash's
//   board_id   who this board is, as text
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A file's handle, or -1.
int host_open(const char *name, bool writable);
void host_close(int file);
// Its length in bytes, or -1.
int32_t host_length(int file);
// Whether all `size` bytes at `at` were read or written.
bool host_read_at(int file, uint32_t at, void *data, size_t size);
bool host_write_at(int file, uint32_t at, const void *data, size_t size);

// Fills `data` from the computer's own generator, /dev/urandom. False if it cannot be had.
bool host_random(void *data, size_t size);
// To seed `random`, which is for no secrets.
uint32_t host_random_word(void);

// Seconds since 1970.
uint32_t host_time_s(void);

// The number behind `name=` in what the emulator was started with (-semihosting-config arg=...),
// or `otherwise`.
uint32_t host_argument(const char *name, uint32_t otherwise);

// Prints to the emulator's error output, which is the rig's log.
void host_say(const char *text);

enum {
    RESET_EXIT_CODE = 3,     // the board wants a reset
    RIG_GONE_EXIT_CODE = 4,  // and without a rig no board
    CRASH_EXIT_CODE = 6,     // a fault, or an exception that MicroPython cannot raise
};

// Ends the emulator with this exit code.
__attribute__((noreturn)) void host_exit(int code);
