#include "ed25519.h"

#include "crypto_hash_sha512.h"
#include "monocypher.h"
#include "utils.h"

// What libsodium's SHA-512 wipes with.
void sodium_memzero(void *const secret, const size_t size) {
    crypto_wipe(secret, size);
}

static void copy(uint8_t *to, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
}

// reduced = SHA-512(a || b || message) mod L; either of a and b may be absent.
static void hash_reduced(uint8_t reduced[32], const uint8_t *a, const uint8_t *b,
                         const uint8_t *message, size_t size) {
    crypto_hash_sha512_state state;
    uint8_t hash[64];
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, a, 32);
    if (b) {
        crypto_hash_sha512_update(&state, b, 32);
    }
    crypto_hash_sha512_update(&state, message, size);
    crypto_hash_sha512_final(&state, hash);
    crypto_eddsa_reduce(reduced, hash);
    crypto_wipe(hash, sizeof hash);
}

// RFC 8032, 5.1.5: expanded[0..31] is the scalar, expanded[32..63] the prefix.
static void expand(uint8_t expanded[64], const uint8_t seed[32]) {
    crypto_hash_sha512(expanded, seed, 32);
    crypto_eddsa_trim_scalar(expanded, expanded);
}

void ed25519_key(uint8_t key[64], const uint8_t seed[32]) {
    uint8_t expanded[64];
    expand(expanded, seed);
    copy(key, seed, 32);
    crypto_eddsa_scalarbase(key + 32, expanded);
    crypto_wipe(expanded, sizeof expanded);
}

// RFC 8032, 5.1.6.
void ed25519_sign(uint8_t signature[64], const uint8_t key[64], const uint8_t *message,
                  size_t size) {
    uint8_t expanded[64];
    uint8_t r[32];
    uint8_t k[32];
    uint8_t out[64];  // the signature may overlap the message
    expand(expanded, key);
    hash_reduced(r, expanded + 32, NULL, message, size);
    crypto_eddsa_scalarbase(out, r);
    hash_reduced(k, out, key + 32, message, size);
    crypto_eddsa_mul_add(out + 32, k, expanded, r);
    copy(signature, out, 64);
    crypto_wipe(expanded, sizeof expanded);
    crypto_wipe(r, sizeof r);
}

// Whether the y coordinate of an encoded point is below p = 2^255 - 19.
static int is_reduced(const uint8_t point[32]) {
    if ((point[31] & 127) != 127 || point[0] < 0xed) {
        return 1;
    }
    for (size_t i = 1; i < 31; i++) {
        if (point[i] != 255) {
            return 1;
        }
    }
    return 0;
}

// Whether 8 A is the neutral element: the equation with R = neutral, S = 0 and k = 1.
static int is_of_small_order(const uint8_t public_key[32]) {
    uint8_t neutral_and_zero[64];
    uint8_t one[32];
    for (size_t i = 0; i < 64; i++) {
        neutral_and_zero[i] = i == 0;
    }
    copy(one, neutral_and_zero, 32);
    return crypto_eddsa_check_equation(neutral_and_zero, public_key, one) == 0;
}

// RFC 8032, 5.1.7; S >= L is refused by Monocypher.
int ed25519_verify(const uint8_t signature[64], const uint8_t public_key[32],
                   const uint8_t *message, size_t size) {
    uint8_t k[32];
    if (!is_reduced(public_key) || !is_reduced(signature) || is_of_small_order(public_key)) {
        return -1;
    }
    hash_reduced(k, signature, public_key, message, size);
    return crypto_eddsa_check_equation(signature, public_key, k);
}
