# Precompiled headers: what nearly every source includes and what takes longest to parse.
#
# sweep_precompile(FOLDER) goes through all targets below FOLDER that use the shared flags and has each reuse one of two
# precompiled headers: sweep_pch for boxes and programs, sweep_test_pch (GoogleTest too) for tests. A precompiled header
# fits only sources with the same flags, so targets with other flags are left out.
option(SWEEP_PCH "Use precompiled headers" ON)

function(sweep_make_pch name)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cpp.new "// Only there to be compiled with the precompiled header.\n")
  file(COPY_FILE ${CMAKE_BINARY_DIR}/${name}.cpp.new ${CMAKE_BINARY_DIR}/${name}.cpp ONLY_IF_DIFFERENT)
  add_library(${name} STATIC ${CMAKE_BINARY_DIR}/${name}.cpp)
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
    <tuple>
    <unordered_map>
    <utility>
    <variant>
    <vector>
    <tl/expected.hpp>
    ${CMAKE_SOURCE_DIR}/util/json.hpp
    ${ARGN})
endfunction()

function(sweep_precompile folder pch)
  if(NOT SWEEP_PCH)
    return()
  endif()
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(precompiled ${target} SWEEP_NO_PCH)
    if(type MATCHES "^(STATIC_LIBRARY|EXECUTABLE)$" AND NOT precompiled AND NOT target MATCHES "^sweep_.*pch$")
      target_precompile_headers(${target} REUSE_FROM ${pch})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below ${folders})
    sweep_precompile(${below} ${pch})
  endforeach()
endfunction()
