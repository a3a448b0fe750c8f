// Ed25519 as RFC 8032 has it (SHA-512), on Monocypher's building blocks and libsodium's SHA-512.
// Monocypher's own crypto_eddsa_* hashes with BLAKE2b, and no other implementation verifies that.
#ifndef ED25519_H
#define ED25519_H

#include <stddef.h>
#include <stdint.h>

// key = seed || public key. They are kept together because signing with a public key that is not
// the seed's gives the seed away.
void ed25519_key(uint8_t key[64], const uint8_t seed[32]);

void ed25519_sign(uint8_t signature[64], const uint8_t key[64], const uint8_t *message,
                  size_t size);

// 0 if the signature is good, else -1. Stricter than RFC 8032 asks: refused are also public keys of
// small order (they "sign" anything) and encodings of A or R that are not reduced. The equation is
// the one with the cofactor, 8 S B = 8 R + 8 k A.
int ed25519_verify(const uint8_t signature[64], const uint8_t public_key[32],
                   const uint8_t *message, size_t size);

#endif
