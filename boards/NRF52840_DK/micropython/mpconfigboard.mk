# MicroPython for the nRF52840 DK with our firmware in it. From ports/nrf of MicroPython's tree:
#   make BOARD_DIR=<checkout>/boards/NRF52840_DK/micropython BOARD=NRF52840_DK \
#        USER_C_MODULES=<checkout> RESONODE_PYTHON=<checkout>/.venv/bin/python
MCU_SERIES = m4
MCU_VARIANT = nrf52
MCU_SUB_VARIANT = nrf52840
SD = s140
SOFTDEV_VERSION = 7.3.0
LD_FILES += boards/nrf52840_1M_256k.ld
NRF_DEFINES += -DNRF52840_XXAA

MICROPY_VFS_LFS2 = 1
# Upstream's 64 KB hold no records.
FS_SIZE = 256k
FROZEN_MANIFEST = $(BOARD_DIR)/manifest.py
RESONODE_TUNED = 1
# The pins are upstream's.
override BOARD_PINS := boards/PCA10056/pins.csv
