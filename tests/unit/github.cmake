# controller/github.
sweep_unit_test(github_test
  LIBS sweep_github sweep_util_os
  SOURCES
    github_success_rate_test.cpp)
