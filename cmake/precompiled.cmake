# Precompiled headers: what many sources include and what takes longest to parse. GCC accepts a precompiled header only in
# sources that are compiled with the same flags.
#   sweep_pch       boxes and programs: the standard library's containers and nlohmann's JSON
#   sweep_core_pch  controller/core: the containers and the core's own headers, without JSON, so that a change of one source
#                   of the core is compiled in half the time
#   sweep_test_pch  tests, which are compiled without optimisation: as sweep_pch, with GoogleTest
option(SWEEP_PCH "Use precompiled headers" ON)
define_property(TARGET PROPERTY SWEEP_PCH BRIEF_DOCS "Precompiled header of this target; NONE for none"
  FULL_DOCS "Default: sweep_pch")

# sweep_make_pch(NAME HEADER…): the library whose precompiled header other targets reuse.
function(sweep_make_pch name)
  set(source ${CMAKE_BINARY_DIR}/${name}.cpp)
  if(NOT EXISTS ${source})
    file(WRITE ${source} "// Compiled only to make the precompiled header.\n")
  endif()
  add_library(${name} STATIC ${source})
  target_link_libraries(${name} PUBLIC sweep_flags nlohmann_json::nlohmann_json)
  target_precompile_headers(${name} PRIVATE
    <algorithm>
    <array>
    <chrono>
    <functional>
    <map>
    <memory>
    <optional>
    <set>
    <span>
    <string>
    <string_view>
    <tl/expected.hpp>
    <tuple>
    <unordered_map>
    <utility>
    <variant>
    <vector>
    ${ARGN})
endfunction()

# sweep_precompile(FOLDER): every library and program below FOLDER reuses its precompiled header.
function(sweep_precompile folder)
  if(NOT SWEEP_PCH)
    return()
  endif()
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(pch ${target} SWEEP_PCH)
    if(NOT pch)
      set(pch sweep_pch)
    endif()
    if(type MATCHES "^(STATIC_LIBRARY|EXECUTABLE)$" AND NOT pch STREQUAL NONE)
      target_precompile_headers(${target} REUSE_FROM ${pch})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    sweep_precompile(${below})
  endforeach()
endfunction()
