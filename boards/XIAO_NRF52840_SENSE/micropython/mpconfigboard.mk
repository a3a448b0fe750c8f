# MicroPython for the XIAO nRF52840 Sense with our firmware in it. From ports/nrf of MicroPython's
# tree, whose uf2conv.py then makes the .uf2 (make ... uf2):
#   make BOARD_DIR=<checkout>/boards/XIAO_NRF52840_SENSE/micropython BOARD=XIAO_NRF52840_SENSE \
#        USER_C_MODULES=<checkout> RESONODE_PYTHON=<checkout>/.venv/bin/python uf2
MCU_SERIES = m4
MCU_VARIANT = nrf52
MCU_SUB_VARIANT = nrf52840
SD = s140
SOFTDEV_VERSION = 7.3.0
LD_FILES += boards/SEEED_XIAO_NRF52/XIAO_bootloader.ld boards/nrf52840_1M_256k.ld
NRF_DEFINES += -DNRF52840_XXAA

MICROPY_VFS_LFS2 = 1
FS_SIZE = 256k
FROZEN_MANIFEST = $(BOARD_DIR)/manifest.py
RESONODE_TUNED = 1
# Pins and start-up code (which feeds the accelerometer) are upstream's.
override BOARD_PINS := boards/SEEED_XIAO_NRF52/pins.csv
SRC_C += boards/SEEED_XIAO_NRF52/board.c

uf2: hex
	python3 $(TOP)/tools/uf2conv.py -c -o $(BUILD)/firmware.uf2 -f 0xADA52840 $(BUILD)/firmware.hex
