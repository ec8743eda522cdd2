# controller/plan.
sweep_unit_test(plan_test
  LIBS sweep_plan
  SOURCES plan_test.cpp)
