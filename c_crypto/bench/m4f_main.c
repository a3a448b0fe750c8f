// The node's cryptography on an emulated Cortex-M4F: right answers, and what they cost.
#include <string.h>

#include "../../c_dsp/bench/m4f/harness.h"
#include "../ed25519.h"
#include "monocypher.h"

// RFC 7748, 6.1.
static const uint8_t alice[32] = {0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
                                  0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
                                  0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a};
static const uint8_t bob_public[32] = {
    0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
    0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f};
static const uint8_t shared[32] = {0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b,
                                   0xf4, 0x80, 0x35, 0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1,
                                   0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42};
// RFC 8032, 7.1, test 3.
static const uint8_t seed[32] = {0xc5, 0xaa, 0x8d, 0xf4, 0x3f, 0x9f, 0x83, 0x7b, 0xed, 0xb7, 0x44,
                                 0x2f, 0x31, 0xdc, 0xb7, 0xb1, 0x66, 0xd3, 0x85, 0x35, 0x07, 0x6f,
                                 0x09, 0x4b, 0x85, 0xce, 0x3a, 0x2e, 0x0b, 0x44, 0x58, 0xf7};
static const uint8_t message[2] = {0xaf, 0x82};
static const uint8_t signature[64] = {
    0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02, 0x48, 0x27, 0xe6, 0x9c, 0x3a, 0xbe, 0x01, 0xa3,
    0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74, 0x3a, 0x44, 0x5e, 0x36, 0x80, 0xd7, 0xdb, 0x5a, 0xc3, 0xac,
    0x18, 0xff, 0x9b, 0x53, 0x8d, 0x16, 0xf2, 0x90, 0xae, 0x67, 0xf7, 0x60, 0x98, 0x4d, 0xc6, 0x59,
    0x4a, 0x7c, 0x15, 0xe9, 0x71, 0x6e, 0xd2, 0x8d, 0xc0, 0x27, 0xbe, 0xce, 0xea, 0x1e, 0xc4, 0x0a};
// RFC 8439, 2.8.2: key 80 81 ... 9f, tag.
static const uint8_t nonce[12] = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
static const uint8_t ad[12] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
                               0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
static const char text[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one "
    "tip for the future, sunscreen would be it.";
static const uint8_t tag[16] = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
                                0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};

static uint8_t key[64], out[64], sealed[1024], mac[16], aead_key[32];
static size_t sealed_size;
static int verdict;

static void run_x25519(void) {
    crypto_x25519(out, alice, bob_public);
}

static void run_key(void) {
    ed25519_key(key, seed);
}

static void run_sign(void) {
    ed25519_sign(out, key, message, sizeof message);
}

static void run_verify(void) {
    verdict = ed25519_verify(signature, key + 32, message, sizeof message);
}

static void run_aead(void) {
    crypto_aead_ctx ctx;
    crypto_aead_init_ietf(&ctx, aead_key, nonce);
    crypto_aead_write(&ctx, sealed, mac, ad, sizeof ad, sealed, sealed_size);
}

// Bytes of stack that `run` uses, by what it overwrites of a pattern below this frame.
static __attribute__((noinline)) uint32_t stack_of(void (*run)(void)) {
    enum { DEPTH = 16384 };
    volatile uint8_t *const top = __builtin_frame_address(0);
    for (int i = 64; i < DEPTH; i++) {
        top[-i] = 0xa5;
    }
    run();
    int deepest = DEPTH - 1;
    while (deepest > 64 && top[-deepest] == 0xa5) {
        deepest--;
    }
    return (uint32_t)deepest;
}

static int failures;

static void measure(const char *name, void (*run)(void), int (*is_right)(void)) {
    print(name);
    print_number(" instructions", count_instructions(run));
    if (!is_right()) {
        print("WRONG\n");
        failures++;
    }
    print(name);
    print_number(" stack", stack_of(run));
}

static int shared_is_right(void) {
    return memcmp(out, shared, 32) == 0;
}

static int key_is_right(void) {
    return key[32] == 0xfc && key[63] == 0x25;
}

static int signature_is_right(void) {
    return memcmp(out, signature, 64) == 0;
}

static int verdict_is_right(void) {
    return verdict == 0;
}

static int tag_is_right(void) {
    return memcmp(mac, tag, 16) == 0;
}

static int always(void) {
    return 1;
}

int main(void) {
    counter_start();
    for (int i = 0; i < 32; i++) {
        aead_key[i] = (uint8_t)(0x80 + i);
    }
    measure("x25519", run_x25519, shared_is_right);
    measure("ed25519_key", run_key, key_is_right);
    measure("ed25519_sign", run_sign, signature_is_right);
    measure("ed25519_verify", run_verify, verdict_is_right);
    sealed_size = sizeof text - 1;
    memcpy(sealed, text, sealed_size);
    measure("aead_114", run_aead, tag_is_right);
    sealed_size = sizeof sealed;
    measure("aead_1024", run_aead, always);
    print(failures ? "FAILED\n" : "all answers right\n");
    return failures;
}
