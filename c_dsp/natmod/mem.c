// What compilers and libsodium call and a native module has no libc for.
#include <stddef.h>

// Calls that a compiler adds are seen too late to keep what they call: `used` does.

__attribute__((used)) void *memcpy(void *to, const void *from, size_t size) {
    unsigned char *t = to;
    const unsigned char *f = from;
    while (size--) {
        *t++ = *f++;
    }
    return to;
}

__attribute__((used)) void *memset(void *to, int value, size_t size) {
    unsigned char *t = to;
    while (size--) {
        *t++ = (unsigned char)value;
    }
    return to;
}
