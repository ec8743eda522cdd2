# controller/journal.
sweep_unit_test(journal_test
  LIBS sweep_journal sweep_net
  SOURCES
    journal_damage_test.cpp
    journal_test.cpp)
