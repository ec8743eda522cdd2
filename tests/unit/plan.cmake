# controller/plan.
sweep_unit_test(plan_test
  LIBS sweep_plan
  SOURCES
    plan_container_test.cpp
    plan_gang_test.cpp
    plan_hardware_test.cpp
    plan_image_use_test.cpp
    plan_output_pattern_test.cpp
    plan_recipe_check_test.cpp
    plan_sharing_test.cpp
    plan_test.cpp)
