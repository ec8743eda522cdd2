// Colours by hardware and marks by precision, the contract's where it has one, one of their own for all the
// others. Pure; the same in every picture of a call.
#pragma once

#include <map>
#include <span>
#include <string>

#include "controller/report/plot_model.hpp"

namespace sweep::report {

class PlotStyles {
 public:
  explicit PlotStyles(std::span<const Family> families);

  /// "#90ee90"; lighter for the second and further frameworks of the same hardware.
  std::string colour(const Series& series) const;
  /// The same colour, dark enough to be read as small letters on white.
  std::string text_colour(const Series& series) const;
  /// gnuplot's number of a filled mark: circle for fp8, square for fp4.
  int mark(const Series& series) const;

 private:
  unsigned shade(const Series& series) const;

  std::map<std::string, unsigned> colours_;  // 0xrrggbb by hardware
  std::map<std::string, int> marks_;         // by precision
};

}  // namespace sweep::report
