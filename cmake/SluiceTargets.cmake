# How every target of Sluice is made. Folder = library = namespace: sluice_engine_folder(image DEPS
# base) builds engine/image/*.cpp into `sluice_image`. A folder's DEPS are the arrows of the design;
# the layering test holds the includes against the same table.

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  # Paths below the root count as relative: another clone finds the same objects, and the same
  # precompiled header where tests have one.
  set(sloppiness time_macros)
  if(SLUICE_CHEAP_TESTS)
    string(APPEND sloppiness ",pch_defines")
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_SLOPPINESS=${sloppiness})
  if(SLUICE_BATCHES)
    # An empty cache then costs no preprocessing beside the compilation.
    list(APPEND CMAKE_CXX_COMPILER_LAUNCHER CCACHE_DEPEND=1)
  endif()
  list(APPEND CMAKE_CXX_COMPILER_LAUNCHER ${SLUICE_CCACHE})
endif()

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(sluice_options INTERFACE SLUICE_VERSION="${PROJECT_VERSION}")
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wpedantic     # what any reviewer would see
  -Wshadow                     # a name that means two things within one screen
  -Wconversion -Wno-sign-conversion  # silent narrowing of sizes and rates
  -Wnon-virtual-dtor -Woverloaded-virtual
  -fno-math-errno
  -ffp-contract=off            # same seed, same bytes, on every platform
  -ffunction-sections -fdata-sections)
target_link_options(sluice_options INTERFACE -Wl,--gc-sections)
# What g++ 12 says of strings that are put together, wrongly and at -O1 alone. Programs are compiled
# at -O2 and keep these warnings.
set(SLUICE_WRONG_AT_O1 -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
if(SLUICE_WERROR)
  target_compile_options(sluice_options INTERFACE -Werror)
endif()
if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    # What ASan or the compiler says too, at an eighth of the time: accesses by null and behind
    # objects, functions that end without a value.
    -fno-sanitize=null,object-size,return
    -Wno-maybe-uninitialized  # g++ 12 takes <regex> under ASan for uninitialised (GCC 105562)
    ${SLUICE_WRONG_AT_O1})
  target_link_options(sluice_options INTERFACE -fsanitize=address,undefined)
endif()
if(SLUICE_FUZZ)
  target_compile_options(sluice_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(sluice_options INTERFACE -fsanitize=address,undefined)
endif()

# sluice_cold_sources(<files...>), in the CMakeLists.txt of their target: code that runs once a start or
# once an order. Small rather than fast: it is half of an agent, and flash is what devices lack.
function(sluice_cold_sources)
  if(NOT SLUICE_SANITIZE AND NOT SLUICE_FUZZ)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS -Os)
  endif()
endfunction()

# engine and agent are compiled file by file where a device's flash will hold them: what they are is
# measured. Elsewhere, and under sanitizers, all folders go in batches.
function(sluice_folder_batches target folder)
  if(SLUICE_BATCHES AND (SLUICE_SANITIZE OR NOT folder MATCHES "^(engine|agent)/?"))
    sluice_batches(${target} ${ARGN})
  endif()
endfunction()

# sluice_folder(<target> <folder> [DEPS targets...] [PRIVATE targets...])
function(sluice_folder target folder)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC sluice_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE})
    sluice_folder_batches(${target} ${folder} ${sources})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE sluice_options ${ARG_DEPS} ${ARG_PRIVATE})
  endif()
endfunction()

# sluice_engine_folder(<folder> [DEPS folders...] [PRIVATE targets...])
function(sluice_engine_folder name)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND sluice_)
  sluice_folder(sluice_${name} engine/${name} DEPS ${ARG_DEPS} PRIVATE ${ARG_PRIVATE})
endfunction()

# For tests that read files of the tree. Its own definition, because a path in every command line
# would keep clones from sharing objects.
function(sluice_knows_tree target)
  if(TARGET ${target})
    target_compile_definitions(${target} PRIVATE SLUICE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endif()
endfunction()

# What every test reads first, read once. Built as a program: a precompiled header is only good for
# what is compiled as it was.
function(sluice_cheap_test target)
  if(NOT TARGET sluice_test_header)
    add_executable(sluice_test_header EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/precompiled.cpp)
    target_link_libraries(sluice_test_header PRIVATE sluice_options GTest::gmock)
    target_compile_options(sluice_test_header PRIVATE -O1)
    target_precompile_headers(sluice_test_header PRIVATE <algorithm> <functional> <map> <memory>
      <optional> <string> <variant> <vector> <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  target_compile_options(${target} PRIVATE -O1 ${SLUICE_WRONG_AT_O1})
  target_precompile_headers(${target} REUSE_FROM sluice_test_header)
endfunction()

# sluice_test(<name> FOLDER <tests/...> DEPS targets... [LABELS ...]): every .cpp of the folder, one program.
function(sluice_test name)
  cmake_parse_arguments(ARG "" "FOLDER;TIMEOUT" "DEPS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPS} sluice_options GTest::gmock GTest::gtest_main)
  if(SLUICE_CHEAP_TESTS)
    sluice_cheap_test(test_${name})
  endif()
  if(SLUICE_BATCHES)
    sluice_batches(test_${name} ${sources})
  endif()
  add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1)
  # Who may take longest begins first, or a parallel run ends with one test alone.
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    COST ${ARG_TIMEOUT})
  if(unit IN_LIST ARG_LABELS AND NOT SLUICE_SANITIZE)
    set_tests_properties(${name} PROPERTIES PROCESSORS 2)  # works all the time, others wait
  endif()
  if(unit IN_LIST ARG_LABELS AND NOT simulator IN_LIST ARG_LABELS)
    add_dependencies(unit_tests test_${name})
  endif()
endfunction()
