// For the tests of controller/report: the gnuplot program of results that belong to one picture.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/report/documents.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/plot_script.hpp"
#include "controller/report/plot_style.hpp"

namespace sweep::report {

/// Returns the program that draws the results.
inline std::string script_of(const std::vector<Document>& documents, Metric metric = Metric::MedianE2el,
                             const std::string& exp_name = "dsr1_1k1k") {
  const auto all = families(rows_of(documents), exp_name);
  EXPECT_EQ(all.size(), 1u);
  return plot_script(all.at(0), metric, PlotStyles(all), "0.png");
}

}  // namespace sweep::report
