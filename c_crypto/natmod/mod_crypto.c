// MicroPython's module `crypto`: argument checks around Monocypher and nothing else. It has two forms,
// of the same source: a native module (.mpy, module.c) and a user C module (usermod/module.c).
//
//   x25519_public(secret, out)                 out = the public key
//   x25519(secret, public, out) -> bool        False, out zero: a point of low order
//   ed25519_key(seed, out)                     out = seed || public key, 64 bytes
//   ed25519_sign(key, message, out)            out = the signature, 64 bytes
//   ed25519_verify(public, message, signature) -> bool
//   aead_lock(key, nonce, ad, text)            in place; the tag goes into text's last 16 bytes
//   aead_unlock(key, nonce, ad, text) -> bool  in place; False, text untouched: a forgery
//   equal(a, b) -> bool                        in constant time, of the lengths only
//   wipe(buffer)
//
// Every refusal is a ValueError whose text begins with the argument's name. AEAD is RFC
// 8439's ChaCha20-Poly1305 (12-byte nonce).
#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#define ERROR_TEXT(text) text
#else
#include "py/runtime.h"
#define ERROR_TEXT(text) ((mp_rom_error_text_t)(text))
#endif

#include "../ed25519.h"
#include "monocypher.h"

#define TAG 16

typedef struct {
    uint8_t *at;
    size_t size;
} span;

static void refuse_unless(bool fine, const char *text) {
    if (!fine) {
        mp_raise_ValueError(ERROR_TEXT(text));
    }
}

static span any_span(mp_obj_t obj, mp_uint_t flags) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, flags);
    return (span){info.buf, info.len};
}

static const uint8_t *in(mp_obj_t obj, size_t size, const char *text) {
    const span held = any_span(obj, MP_BUFFER_READ);
    refuse_unless(held.size == size, text);
    return held.at;
}

static uint8_t *out(mp_obj_t obj, size_t size, const char *text) {
    const span held = any_span(obj, MP_BUFFER_RW);
    refuse_unless(held.size == size, text);
    return held.at;
}

#define IN(name, obj, size) in(obj, size, name ": not " #size " bytes")
#define OUT(name, obj, size) out(obj, size, name ": not " #size " bytes")

// ---- X25519 ------------------------------------------------------------------------------------

static mp_obj_t x25519_public(mp_obj_t secret, mp_obj_t public_key) {
    const uint8_t *ours = IN("secret", secret, 32);
    crypto_x25519_public_key(OUT("out", public_key, 32), ours);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(x25519_public_obj, x25519_public);

static bool is_zero(const uint8_t bytes[32]) {
    uint8_t any = 0;
    for (size_t i = 0; i < 32; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static mp_obj_t x25519(mp_obj_t secret, mp_obj_t public_key, mp_obj_t shared) {
    const uint8_t *ours = IN("secret", secret, 32);
    const uint8_t *theirs = IN("public", public_key, 32);
    uint8_t *result = OUT("out", shared, 32);
    crypto_x25519(result, ours, theirs);
    return mp_obj_new_bool(!is_zero(result));
}
static MP_DEFINE_CONST_FUN_OBJ_3(x25519_obj, x25519);

// ---- Ed25519 -----------------------------------------------------------------------------------

static mp_obj_t key_of_seed(mp_obj_t seed, mp_obj_t key) {
    const uint8_t *given = IN("seed", seed, 32);
    ed25519_key(OUT("out", key, 64), given);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(key_of_seed_obj, key_of_seed);

static mp_obj_t sign(mp_obj_t key, mp_obj_t message, mp_obj_t signature) {
    const uint8_t *ours = IN("key", key, 64);
    const span said = any_span(message, MP_BUFFER_READ);
    ed25519_sign(OUT("out", signature, 64), ours, said.at, said.size);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(sign_obj, sign);

static mp_obj_t verify(mp_obj_t public_key, mp_obj_t message, mp_obj_t signature) {
    const uint8_t *theirs = IN("public", public_key, 32);
    const span said = any_span(message, MP_BUFFER_READ);
    const uint8_t *proof = IN("signature", signature, 64);
    return mp_obj_new_bool(ed25519_verify(proof, theirs, said.at, said.size) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(verify_obj, verify);

// ---- ChaCha20-Poly1305 -------------------------------------------------------------------------

// RFC 8439 is init_ietf and then write or read; crypto_aead_lock is XChaCha20, a different cipher.
static mp_obj_t aead(const mp_obj_t *args, bool locking) {
    crypto_aead_ctx ctx;
    const uint8_t *key = IN("key", args[0], 32);
    const uint8_t *nonce = IN("nonce", args[1], 12);
    const span ad = any_span(args[2], MP_BUFFER_READ);
    const span text = any_span(args[3], MP_BUFFER_RW);
    refuse_unless(text.size >= TAG, "text: no room for the tag");
    const size_t size = text.size - TAG;
    int failed = 0;
    crypto_aead_init_ietf(&ctx, key, nonce);
    if (locking) {
        crypto_aead_write(&ctx, text.at, text.at + size, ad.at, ad.size, text.at, size);
    } else {
        failed = crypto_aead_read(&ctx, text.at, text.at + size, ad.at, ad.size, text.at, size);
    }
    crypto_wipe(&ctx, sizeof ctx);
    return mp_obj_new_bool(!failed);
}

static mp_obj_t aead_lock(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    aead(args, true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_lock_obj, 4, 4, aead_lock);

static mp_obj_t aead_unlock(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return aead(args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_unlock_obj, 4, 4, aead_unlock);

// ---- memory ------------------------------------------------------------------------------------

static mp_obj_t equal(mp_obj_t a_obj, mp_obj_t b_obj) {
    const span a = any_span(a_obj, MP_BUFFER_READ);
    const span b = any_span(b_obj, MP_BUFFER_READ);
    volatile uint8_t differ = a.size != b.size;
    for (size_t i = 0; i < a.size && i < b.size; i++) {
        differ |= a.at[i] ^ b.at[i];
    }
    return mp_obj_new_bool(differ == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(equal_obj, equal);

static mp_obj_t wipe(mp_obj_t buffer) {
    const span secret = any_span(buffer, MP_BUFFER_RW);
    crypto_wipe(secret.at, secret.size);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(wipe_obj, wipe);
