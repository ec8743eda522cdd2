// A picture as a gnuplot program. Pure.
//
// Rule: a text of somebody else's (hardware, precision, experiment name) reaches the program only through
// quoted(), inside single quotes, where gnuplot replaces nothing; numbers are spelled by us.
#pragma once

#include <string>
#include <string_view>

#include "controller/report/plot_model.hpp"
#include "controller/report/plot_style.hpp"

namespace sweep::report {

/// The program that draws `family` into the file `png` of its working directory, 1600 x 1000 pixels. `png` is
/// a name of our own. Points whose label found no place are drawn without one, and the subtitle says so.
std::string plot_script(const Family& family, Metric metric, const PlotStyles& styles,
                        const std::string& png);

/// `text` as a gnuplot string: one line in single quotes, at most `max_characters` and an ellipsis. A
/// backquote, which would run a command elsewhere, and a single quote become ’.
std::string quoted(std::string_view text, std::size_t max_characters);

}  // namespace sweep::report
