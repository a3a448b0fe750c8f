# User C module `crypto`: make -C ports/... USER_C_MODULES=<this repository> compiles it in, with dsp.
# The libraries are fetched by the native module's build, which knows their hashes.
RESONODE_PYTHON ?= python3
RESONODE_CRYPTO := $(shell $(RESONODE_PYTHON) $(USERMOD_DIR)/natmod/build.py --libraries)
ifeq ($(RESONODE_CRYPTO),)
$(error c_crypto: its libraries could not be fetched; the reason is above)
endif

SRC_USERMOD_C += $(USERMOD_DIR)/usermod/module.c $(USERMOD_DIR)/ed25519.c
SRC_USERMOD_LIB_C += $(filter %.c, $(RESONODE_CRYPTO))
CFLAGS_USERMOD += $(filter-out %.c, $(RESONODE_CRYPTO))

# MicroPython looks for names again when these change, which module.c includes.
QSTR_GLOBAL_DEPENDENCIES += $(wildcard $(USERMOD_DIR)/natmod/*.[ch])
