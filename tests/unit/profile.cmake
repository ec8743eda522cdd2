# controller/profile.
sweep_unit_test(profile_test
  LIBS sweep_profile sweep_net sweep_util_os
  SOURCES
    profile_host_pattern_test.cpp
    profile_record_test.cpp
    profile_roles_test.cpp
    profile_template_test.cpp
    profile_test.cpp
    profile_workspace_script_test.cpp)
