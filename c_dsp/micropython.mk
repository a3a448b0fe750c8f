# User C module `dsp`: make -C ports/... USER_C_MODULES=<this repository> compiles it in, with crypto.
SRC_USERMOD_C += $(USERMOD_DIR)/usermod/module.c $(wildcard $(USERMOD_DIR)/*.c)

# The same bits on every target (c_dsp/README.md), and a square root that is an instruction.
$(BUILD)/$(notdir $(USERMOD_DIR))/%.o: CFLAGS += -O2 -fno-math-errno -ffp-contract=off -DDSP_PORTABLE

# MicroPython looks for names again when these change, which module.c includes.
QSTR_GLOBAL_DEPENDENCIES += $(wildcard $(USERMOD_DIR)/natmod/*.[ch])
