# controller/agentic.
sweep_unit_test(agentic_test
  LIBS sweep_agentic sweep_util_os
  SOURCES
    agentic_environment_test.cpp
    agentic_log_test.cpp
    agentic_power_test.cpp
    agentic_process_test.cpp
    agentic_records_test.cpp
    agentic_request_metrics_test.cpp
    agentic_server_test.cpp
    agentic_validate_test.cpp)
