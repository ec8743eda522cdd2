// Writes the gnuplot program of a picture. Pure.
//
// Rule: text from results (hardware, precision, experiment name) is inserted only with quoted(), in single
// quotes, where gnuplot substitutes nothing. Numbers are formatted by this program.
#pragma once

#include <string>
#include <string_view>

#include "controller/report/plot_model.hpp"
#include "controller/report/plot_style.hpp"

namespace sweep::report {

/// Returns the program that draws `family` into the file `png` of its working directory, 1600 x 1000 pixels.
/// `png` must be a name chosen by this program. Labels that do not fit are omitted; the subtitle gives their
/// number.
std::string plot_script(const Family& family, Metric metric, const PlotStyles& styles,
                        const std::string& png);

/// Returns `text` as a gnuplot string: one line in single quotes, cut to `max_characters` and an ellipsis.
/// Single quotes and backquotes (which run a command in gnuplot's double-quoted strings) are replaced by ’.
std::string quoted(std::string_view text, std::size_t max_characters);

}  // namespace sweep::report
