// Draws the plots: what the contract, section 4, calls plot. Starts gnuplot (package gnuplot-nox) and waits
// for it; everything else about a picture is decided in the pure files plot_*.
//
// Better than the Python tool: unknown hardware and precisions other than fp4 and fp8 are drawn too, and a
// title says so when results are a stand-in's.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"
#include "util/error.hpp"

namespace sweep::report {

/// tput_vs_e2el_<family>_<exp>.png and tput_vs_intvty_<family>_<exp>.png in `directory` for each model family
/// among `rows`, <exp> being their own experiment where they know it and
/// `exp_name` where not; a picture without a single point is not drawn. Returns the
/// paths written, sorted; none when there is nothing to draw. Fails when gnuplot is missing, fails or takes
/// longer than two minutes, or a file cannot be written; an old picture is then still whole.
Expected<std::vector<std::string>> plot(std::span<const Row> rows, const std::string& exp_name,
                                        const std::string& directory);

}  // namespace sweep::report
