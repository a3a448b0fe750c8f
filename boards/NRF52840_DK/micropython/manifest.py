# What is frozen into MicroPython: upstream's own modules, the wire and the firmware.
include("$(PORT_DIR)/modules/manifest.py")
package("resonode_wire", base_path="../../..", opt=3)
package("firmware", base_path="../../..", opt=3)
