#include "controller/report/plot_style.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace sweep::report {

namespace {

// The contract's colours. The comments are their CSS names.
const std::map<std::string, unsigned> kColours = {
    {"h100", 0x90ee90},      // lightgreen
    {"h200", 0x008000},      // green
    {"h200-trt", 0x006400},  // darkgreen
    {"b200", 0x000000},      // black
    {"b200-trt", 0x808080},  // gray
    {"mi300x", 0xffc0cb},    // pink
    {"mi325x", 0xff0000},    // red
    {"mi355x", 0x800080},    // purple
    {"gb200", 0xffa500},     // orange
};

// For other hardware; each clearly differs from the colours above.
constexpr std::array<unsigned, 10> kFurtherColours = {0x1f77b4, 0x8c564b, 0x17becf, 0xbcbd22, 0xd6278f,
                                                      0x5254a3, 0xd2691e, 0x2f4f4f, 0x9acd32, 0x6495ed};

const std::map<std::string, int> kMarks = {{"fp8", 7}, {"fp4", 5}};  // circle, square
constexpr std::array<int, 4> kFurtherMarks = {9, 13, 11, 15};        // triangle, diamond, triangle, pentagon

// Returns `colour` mixed with white; `share` is the part of white.
unsigned lighter(unsigned colour, double share) {
  unsigned out = 0;
  for (const unsigned shift : {16u, 8u, 0u}) {
    const unsigned channel = (colour >> shift) & 0xff;
    out |= (channel + static_cast<unsigned>((255 - channel) * share)) << shift;
  }
  return out;
}

// Returns the luma of ITU-R BT.601, from 0 to 255.
double brightness(unsigned colour) {
  const auto channel = [&](unsigned shift) { return (colour >> shift) & 0xff; };
  return 0.30 * channel(16) + 0.59 * channel(8) + 0.11 * channel(0);
}

// Returns `colour` mixed with black; `share` is the part of black.
unsigned darker(unsigned colour, double share) {
  unsigned out = 0;
  for (const unsigned shift : {16u, 8u, 0u})
    out |= static_cast<unsigned>(((colour >> shift) & 0xff) * (1 - share)) << shift;
  return out;
}

// Returns `colour`, darkened to a brightness of at most 110.
unsigned readable(unsigned colour) {
  const double factor = std::min(1.0, 110 / std::max(1.0, brightness(colour)));
  return darker(colour, 1 - factor);
}

std::string colour_code(unsigned colour) {
  char text[8];
  std::snprintf(text, sizeof text, "#%06x", colour & 0xffffffu);
  return text;
}

}  // namespace

PlotStyles::PlotStyles(std::span<const Family> families) : colours_(kColours), marks_(kMarks) {
  std::set<std::string> hardware, precisions;
  for (const Family& family : families) {
    for (const Series& series : family.series) {
      hardware.insert(series.hw);
      precisions.insert(series.precision);
    }
  }
  std::size_t next = 0;
  for (const std::string& hw : hardware) {
    if (!colours_.contains(hw)) colours_[hw] = kFurtherColours[next++ % kFurtherColours.size()];
  }
  next = 0;
  for (const std::string& precision : precisions) {
    if (!marks_.contains(precision)) marks_[precision] = kFurtherMarks[next++ % kFurtherMarks.size()];
  }
}

// Lightens the hardware's colour for its second and further frameworks; darkens it if it is light, because a
// lighter shade would be invisible on white.
unsigned PlotStyles::shade(const Series& series) const {
  constexpr std::array<double, 4> kShares = {0, 0.42, 0.62, 0.25};
  const unsigned base = colours_.at(series.hw);
  const double share = kShares[series.framework_rank % kShares.size()];
  return brightness(base) > 150 ? darker(base, share) : lighter(base, share);
}

std::string PlotStyles::colour(const Series& series) const {
  return colour_code(shade(series));
}

std::string PlotStyles::text_colour(const Series& series) const {
  return colour_code(readable(shade(series)));
}

int PlotStyles::mark(const Series& series) const {
  return marks_.at(series.precision);
}

}  // namespace sweep::report
