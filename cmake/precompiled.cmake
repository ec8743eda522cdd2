# Precompiled headers: what nearly every source includes and what takes longest to parse. GCC accepts a precompiled header
# only in sources that are compiled with the same flags, so there are two: sweep_pch for boxes and programs, and
# sweep_test_pch for tests, which are compiled without optimisation and include GoogleTest.
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
    ${CMAKE_SOURCE_DIR}/util/json.hpp
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
