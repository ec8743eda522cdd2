# container/core: names, requests, command lines.
sweep_unit_test(container_core_test
  LIBS sweep_container_core
  SOURCES
    container_image_test.cpp
    container_import_fault_test.cpp
    container_start_test.cpp
    container_step_test.cpp)

# container/io on real folders, and its race with real processes.
sweep_unit_test(container_store_test
  LIBS sweep_container_io
  SOURCES
    container_claim_test.cpp
    container_prune_test.cpp
    container_race_test.cpp
    container_store_test.cpp)

# sweep-agent's helpers as the processes they are: bubblewrap for real, the others as stand-ins in PATH.
sweep_unit_test(container_process_test
  LIBS sweep_container_io
  SOURCES
    container_contain_test.cpp
    container_stage_test.cpp)
target_compile_definitions(container_process_test PRIVATE SWEEP_AGENT="$<TARGET_FILE:sweep-agent>")
add_dependencies(container_process_test sweep-agent)
