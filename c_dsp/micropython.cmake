# User C module `dsp`, for ports built with CMake:
#   -DUSER_C_MODULES="<this repository>/c_dsp/micropython.cmake;<this repository>/c_crypto/micropython.cmake"
file(GLOB resonode_dsp_sources ${CMAKE_CURRENT_LIST_DIR}/*.c)
add_library(usermod_resonode_dsp INTERFACE)
target_sources(usermod_resonode_dsp INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/usermod/module.c ${resonode_dsp_sources})

# The same bits on every target (c_dsp/README.md), and a square root that is an instruction.
set_source_files_properties(${resonode_dsp_sources} PROPERTIES
    COMPILE_OPTIONS "-fno-math-errno;-ffp-contract=off;-DDSP_PORTABLE")

target_link_libraries(usermod INTERFACE usermod_resonode_dsp)
