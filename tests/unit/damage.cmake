#Damaged files of all boxes; damage of the journal itself is tested in journal.cmake.
sweep_unit_test(damage_test LIBS sweep_controller_io sweep_matrix sweep_agent_io SOURCES
                    files_damage_test.cpp spool_damage_test.cpp sweep_damage_test.cpp)
