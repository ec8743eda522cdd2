# Every file of configs/, read by the box it is for.
sweep_unit_test(configs_test
  LIBS sweep_matrix sweep_plan sweep_net
  SOURCES configs_test.cpp)
