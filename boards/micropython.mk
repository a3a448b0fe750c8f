# What our own builds of MicroPython have besides modules: RESONODE_TUNED=1 asks for tuned.h. Read,
# like the micropython.mk of the C modules, by make -C ports/... USER_C_MODULES=<this repository>.
ifeq ($(RESONODE_TUNED),1)
SRC_USERMOD_C += $(USERMOD_DIR)/tuned.c
CFLAGS_USERMOD += -include $(USERMOD_DIR)/tuned.h
# The interpreter for speed: 70 KB more flash, a twentieth fewer instructions.
$(BUILD)/py/%.o $(BUILD)/extmod/%.o: CFLAGS += -O2
endif
