# agent/core, which has no sockets, clocks or processes.
sweep_unit_test(agent_core_test
  LIBS sweep_agent_core
  SOURCES
    agent_artifacts_test.cpp
    agent_away_test.cpp
    agent_decisions_test.cpp
    agent_eval_test.cpp
    agent_flow_test.cpp
    agent_gpu_metrics_csv_test.cpp
    agent_gpu_metrics_test.cpp
    agent_gpus_test.cpp
    agent_images_test.cpp
    agent_kill_sequence_test.cpp
    agent_lease_test.cpp
    agent_limits_test.cpp
    agent_loading_test.cpp
    agent_node_test.cpp
    agent_outcome_test.cpp
    agent_output_limit_test.cpp
    agent_output_test.cpp
    agent_script_test.cpp
    agent_serving_test.cpp
    agent_suspended_test.cpp
    agent_telemetry_test.cpp
    agent_warm_server_test.cpp)

# Parts of agent/io on real files, processes and sockets.
sweep_unit_test(agent_spool_test
  LIBS sweep_agent_io
  SOURCES
    agent_artifact_files_test.cpp
    agent_git_test.cpp
    agent_gpu_metrics_files_test.cpp
    agent_http_client_test.cpp
    agent_leftovers_test.cpp
    agent_machine_test.cpp
    agent_spool_test.cpp)

# sweep-agent as a process.
sweep_unit_test(agent_io_test
  LIBS sweep_agent_io sweep_net
  SOURCES
    agent_gpus_io_test.cpp
    agent_io_test.cpp
    agent_recipe_io_test.cpp
    agent_slurm_query_test.cpp)
target_compile_definitions(agent_io_test PRIVATE
  SWEEP_AGENT="$<TARGET_FILE:sweep-agent>" SWEEP_NVML_STAND_INS="${CMAKE_BINARY_DIR}/tests/nvml_stand_in")
add_dependencies(agent_io_test sweep-agent nvml_whole)

# agent/io/nvml and the sampling process, with a stand-in for NVIDIA's library.
sweep_unit_test(agent_nvml_test
  LIBS sweep_agent_io
  SOURCES agent_nvml_test.cpp)
target_compile_definitions(agent_nvml_test PRIVATE
  SWEEP_AGENT="$<TARGET_FILE:sweep-agent>" SWEEP_NVML_STAND_INS="${CMAKE_BINARY_DIR}/tests/nvml_stand_in")
add_dependencies(agent_nvml_test sweep-agent nvml_whole nvml_old nvml_incomplete)
