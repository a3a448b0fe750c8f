// Semihosting: "Semihosting for AArch32 and AArch64", ARM, release 2.0, section 7.

#include "host.h"

#include <string.h>

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0A,
    SYS_FLEN = 0x0C,
    SYS_TIME = 0x11,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20,
};
enum { MODE_RB = 1, MODE_RB_PLUS = 3 };
#define APPLICATION_EXIT 0x20026
#define COMMAND_LINE 256

static int32_t call(uint32_t operation, const void *arguments) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

int host_open(const char *name, bool writable) {
    uint32_t block[] = {(uint32_t)name, writable ? MODE_RB_PLUS : MODE_RB, strlen(name)};
    return call(SYS_OPEN, block);
}

void host_close(int file) {
    uint32_t block[] = {file};
    call(SYS_CLOSE, block);
}

int32_t host_length(int file) {
    uint32_t block[] = {file};
    return call(SYS_FLEN, block);
}

static bool transfer(uint32_t operation, int file, const void *data, size_t size) {
    // Both answer with the number of bytes that were NOT transferred.
    uint32_t block[] = {file, (uint32_t)data, size};
    return call(operation, block) == 0;
}

static bool seek(int file, uint32_t at) {
    uint32_t block[] = {file, at};
    return call(SYS_SEEK, block) == 0;
}

bool host_read_at(int file, uint32_t at, void *data, size_t size) {
    return seek(file, at) && transfer(SYS_READ, file, data, size);
}

bool host_write_at(int file, uint32_t at, const void *data, size_t size) {
    return seek(file, at) && transfer(SYS_WRITE, file, data, size);
}

bool host_random(void *data, size_t size) {
    static int file = -1;
    if (file < 0) {
        file = host_open("/dev/urandom", false);
    }
    return file >= 0 && transfer(SYS_READ, file, data, size);
}

uint32_t host_random_word(void) {
    uint32_t word = 0;
    host_random(&word, sizeof(word));
    return word;
}

uint32_t host_time_s(void) {
    return call(SYS_TIME, NULL);
}

uint32_t host_argument(const char *name, uint32_t otherwise) {
    char line[COMMAND_LINE] = "";
    uint32_t block[] = {(uint32_t)line, sizeof(line)};
    if (call(SYS_GET_CMDLINE, block) != 0) {
        return otherwise;
    }
    const char *found = strstr(line, name);
    if (!found || found[strlen(name)] != '=') {
        return otherwise;
    }
    uint32_t value = 0;
    for (const char *at = found + strlen(name) + 1; *at >= '0' && *at <= '9'; ++at) {
        value = 10 * value + (*at - '0');
    }
    return value;
}

void host_say(const char *text) {
    call(SYS_WRITE0, text);
}

void host_exit(int code) {
    uint32_t block[] = {APPLICATION_EXIT, code};
    call(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}
