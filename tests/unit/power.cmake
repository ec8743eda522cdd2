# controller/power.
sweep_unit_test(power_test
  LIBS sweep_power sweep_util_os
  SOURCES
    power_accumulator_test.cpp
    power_benchmark_test.cpp
    power_csv_test.cpp
    power_integration_test.cpp
    power_many_nodes_test.cpp
    power_one_node_test.cpp
    power_package_test.cpp
    power_stream_test.cpp
    power_timestamp_test.cpp)
