# User C module `crypto`, for ports built with CMake: see c_dsp/micropython.cmake.
# The libraries are fetched by the native module's build, which knows their hashes.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/natmod/build.py --libraries
    OUTPUT_VARIABLE resonode_crypto OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(resonode_crypto)
set(resonode_crypto_sources ${resonode_crypto})
list(FILTER resonode_crypto_sources INCLUDE REGEX "\\.c$")
set(resonode_crypto_options ${resonode_crypto})
list(FILTER resonode_crypto_options EXCLUDE REGEX "\\.c$")

add_library(usermod_resonode_crypto INTERFACE)
target_sources(usermod_resonode_crypto INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/usermod/module.c ${CMAKE_CURRENT_LIST_DIR}/ed25519.c
    ${resonode_crypto_sources})
target_compile_options(usermod_resonode_crypto INTERFACE ${resonode_crypto_options})
target_link_libraries(usermod INTERFACE usermod_resonode_crypto)
