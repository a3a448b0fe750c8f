// What the module `crypto` holds. Spelt out, because MicroPython looks for MP_QSTR_ names in the text.
// clang-format off
FUNCTION(MP_QSTR_x25519_public, x25519_public_obj)
FUNCTION(MP_QSTR_x25519, x25519_obj)
FUNCTION(MP_QSTR_ed25519_key, key_of_seed_obj)
FUNCTION(MP_QSTR_ed25519_sign, sign_obj)
FUNCTION(MP_QSTR_ed25519_verify, verify_obj)
FUNCTION(MP_QSTR_aead_lock, aead_lock_obj)
FUNCTION(MP_QSTR_aead_unlock, aead_unlock_obj)
FUNCTION(MP_QSTR_equal, equal_obj)
FUNCTION(MP_QSTR_wipe, wipe_obj)
