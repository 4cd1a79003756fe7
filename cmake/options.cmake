# Options, the language level and the warnings that every target shares.
option(PATINA_TESTS "Build the tests" OFF)
option(PATINA_BENCH "Build the benchmarks" OFF)
option(PATINA_MPI "Train in several processes, where Open MPI is there" ON)
option(PATINA_FUZZ "Build the fuzzers (clang only)" OFF)
set(PATINA_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(PATINA_CCACHE ccache)
if(PATINA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PATINA_CCACHE})
endif()

add_library(patina_flags INTERFACE)
target_include_directories(patina_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_compile_options(patina_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(PATINA_SANITIZE)
  target_compile_options(patina_flags INTERFACE -fsanitize=${PATINA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(patina_flags INTERFACE -fsanitize=${PATINA_SANITIZE})
endif()
