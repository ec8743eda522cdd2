# controller/core.
sweep_unit_test(core_test
  LIBS sweep_controller_core
  SOURCES
    core_agents_test.cpp
    core_apply_test.cpp
    core_collection_test.cpp
    core_decisions_test.cpp
    core_ends_test.cpp
    core_events_test.cpp
    core_gang_layout_test.cpp
    core_gang_start_test.cpp
    core_gang_test.cpp
    core_lease_test.cpp
    core_runners_test.cpp
    core_server_starts_test.cpp
    core_session_test.cpp
    core_silence_test.cpp
    core_stop_test.cpp
    core_warm_test.cpp)

# controller/core in random sweeps on a virtual clock; seconds of computing, so it is a program of its own.
sweep_unit_test(core_simulation_test OPTIMISED
  LIBS sweep_controller_core
  SOURCES
    core_simulation_test.cpp
    core_world.cpp)
