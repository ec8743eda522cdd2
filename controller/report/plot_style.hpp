// Assigns colours to hardware and marks to precisions: the contract's if it defines one, otherwise one from a
// list. Pure. The assignment is the same in all pictures of one PlotStyles.
#pragma once

#include <map>
#include <span>
#include <string>

#include "controller/report/plot_model.hpp"

namespace sweep::report {

class PlotStyles {
 public:
  /// `families` are all families that will be drawn.
  explicit PlotStyles(std::span<const Family> families);

  /// Returns the colour of a series' marks and lines: "#90ee90". Frameworks of the same hardware have
  /// different shades.
  std::string colour(const Series& series) const;
  /// Returns the same colour, darkened if necessary so that small letters are readable on white.
  std::string text_colour(const Series& series) const;
  /// Returns gnuplot's number of a filled mark: circle for fp8, square for fp4.
  int mark(const Series& series) const;

 private:
  unsigned shade(const Series& series) const;

  std::map<std::string, unsigned> colours_;  // 0xrrggbb by hardware
  std::map<std::string, int> marks_;         // by precision
};

}  // namespace sweep::report
