# Every file of configs/, read by the box it is for, and the variables of a benchmark as the documents list them.
sweep_unit_test(configs_test
  LIBS sweep_agent_core sweep_matrix sweep_plan sweep_net
  SOURCES
    configs_test.cpp
    environment_docs_test.cpp
    recipes_test.cpp)
