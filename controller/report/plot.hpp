// Draws the plots (`plot` in the contract, section 4) with gnuplot (package gnuplot-nox). The plot_*.hpp
// files, which are pure, compute what is drawn; this one runs gnuplot and waits for it.
//
// Unlike the Python tool, it also draws unknown hardware and precisions other than fp4 and fp8, and marks
// results of a stand-in in the title.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"
#include "util/error.hpp"

namespace sweep::report {

/// Writes tput_vs_e2el_<family>_<exp>.png and tput_vs_intvty_<family>_<exp>.png to `directory` for each model
/// family in `rows`. <exp> is the experiment of the rows; `exp_name` if they have none. A picture without
/// points is not written.
///
/// Returns the paths of the written files, sorted, possibly none. Fails if gnuplot is missing, fails or takes
/// longer than two minutes, or if a file cannot be written. Files are replaced atomically, so an older
/// picture then stays intact.
Expected<std::vector<std::string>> plot(std::span<const Row> rows, const std::string& exp_name,
                                        const std::string& directory);

}  // namespace sweep::report
