// controller/report/plot_axis and plot_labels: axes and their tics, and labels that do not overlap.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "controller/report/plot_axis.hpp"
#include "controller/report/plot_labels.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;

Axis axis_of(std::vector<double> values) {
  return make_axis(values);
}

std::vector<std::string> tic_labels(const Axis& axis) {
  std::vector<std::string> out;
  for (const Tic& tic : axis.tics)
    out.push_back(tic.label);
  return out;
}

TEST(PlotAxis, IsLinearAndStartsAtZeroIfZeroIsNear) {
  const Axis axis = axis_of({10, 100});
  EXPECT_FALSE(axis.logarithmic);
  EXPECT_EQ(axis.low, 0);
  EXPECT_THAT(tic_labels(axis), ElementsAre("0", "20", "40", "60", "80", "100"));
  EXPECT_DOUBLE_EQ(axis.share(axis.low), 0);
  EXPECT_DOUBLE_EQ(axis.share(axis.high), 1);
}

TEST(PlotAxis, IsLogarithmicFromAFactorOf15) {
  const Axis axis = axis_of({1, 15});
  EXPECT_TRUE(axis.logarithmic);
  EXPECT_THAT(tic_labels(axis), ElementsAre("1", "2", "5", "10"));
  EXPECT_FALSE(axis_of({1, 14.9}).logarithmic);
  EXPECT_FALSE(axis_of({0, 1000}).logarithmic);
  EXPECT_FALSE(axis_of({-1, 1000}).logarithmic);
  EXPECT_NEAR(axis.share(std::sqrt(15)), 0.5, 1e-9);
}

TEST(PlotAxis, AbbreviatesLargeAndSmallNumbers) {
  EXPECT_THAT(tic_labels(axis_of({20'000, 50'000})), testing::Contains("20k"));
  EXPECT_THAT(tic_labels(axis_of({1, 1e8})), testing::Contains("10M"));
  EXPECT_THAT(tic_labels(axis_of({2e-6, 3e-6})), testing::Contains("2e-06"));
}

// For any values, the range contains them, and there are 2 to 21 tics inside it.
TEST(PlotAxis, RangeContainsAllValuesAndSomeTics) {
  std::vector<std::vector<double>> cases = {{},
                                            {0},
                                            {5},
                                            {-3},
                                            {0, 0},
                                            {1e-240},
                                            {1e240},
                                            {7, 7},
                                            {1e-5, 1e9},
                                            {-5, 5},
                                            {-9, -8},
                                            {1e15, 1e15 + 1},
                                            {0, 1e-12},
                                            {1e-240, 1e240},
                                            {-1e240, 1e240}};
  std::mt19937 random(11);
  for (int i = 0; i < 500; ++i) {
    const double scale = std::pow(10.0, static_cast<double>(random() % 40) - 20);
    std::vector<double> values;
    for (unsigned n = 1 + random() % 5; n > 0; --n)
      values.push_back((static_cast<double>(random() % 2000) - (i % 2 ? 0 : 1000)) * scale);
    cases.push_back(values);
  }
  for (const auto& values : cases) {
    const Axis axis = make_axis(values);
    const std::string trace = testing::PrintToString(values);
    EXPECT_LT(axis.low, axis.high) << trace;
    EXPECT_TRUE(std::isfinite(axis.low) && std::isfinite(axis.high)) << trace;
    for (const double value : values) {
      EXPECT_GE(axis.share(value), 0) << trace;
      EXPECT_LE(axis.share(value), 1) << trace;
    }
    EXPECT_GE(axis.tics.size(), 2u) << trace;
    EXPECT_LE(axis.tics.size(), 21u) << trace;
    for (const Tic& tic : axis.tics) {
      EXPECT_GE(tic.at, axis.low) << trace;
      EXPECT_LE(tic.at, axis.high) << trace;
    }
  }
}

// ---- labels

constexpr LabelGeometry kGeometry{100, 100, 1300, 900, 7, 8, 13};

struct Box {
  double left, bottom, right, top;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && bottom < other.top && other.bottom < top;
  }
};

Box box_of(const PlacedLabel& label, const std::vector<LabelRequest>& requests) {
  const double half =
      static_cast<double>(requests[label.request].text.size()) * kGeometry.character_width / 2;
  return {label.x - half, label.y - kGeometry.line_height / 2, label.x + half,
          label.y + kGeometry.line_height / 2};
}

Box mark_of(const LabelRequest& request) {
  const double r = kGeometry.mark_radius;
  return {request.x - r, request.y - r, request.x + r, request.y + r};
}

void expect_nothing_overlaps(const std::vector<PlacedLabel>& placed,
                             const std::vector<LabelRequest>& requests) {
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const Box box = box_of(placed[i], requests);
    EXPECT_GE(box.left, kGeometry.left);
    EXPECT_GE(box.bottom, kGeometry.bottom);
    EXPECT_LE(box.right, kGeometry.right);
    EXPECT_LE(box.top, kGeometry.top);
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_FALSE(box.meets(box_of(placed[j], requests))) << i << " on " << j;
    for (const LabelRequest& request : requests)
      EXPECT_FALSE(box.meets(mark_of(request))) << i;
    const LabelRequest& own = requests[placed[i].request];
    EXPECT_LT(std::hypot(placed[i].x - own.x, placed[i].y - own.y), 60) << "far from its point";
  }
}

TEST(PlotLabels, LabelOfASinglePointIsAboveIt) {
  const std::vector<LabelRequest> requests = {{600, 500, "TP8"}};
  const auto placed = place_labels(requests, {}, kGeometry);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_EQ(placed[0].x, 600);
  EXPECT_GT(placed[0].y, 500 + kGeometry.mark_radius);
  expect_nothing_overlaps(placed, requests);
}

TEST(PlotLabels, AvoidsLinesIfPossible) {
  const std::vector<LabelRequest> requests = {{600, 500, "TP8"}};
  const std::vector<LabelLine> up = {{600, 500, 600, 800}};
  const auto placed = place_labels(requests, up, kGeometry);
  ASSERT_EQ(placed.size(), 1u);
  EXPECT_GT(placed[0].x - 12, 600) << "to the right of the line";
  std::vector<LabelLine> everywhere;
  for (double y = 400; y < 600; y += 3)
    everywhere.push_back({400, y, 800, y});
  EXPECT_EQ(place_labels(requests, everywhere, kGeometry).size(), 1u)
      << "on a line if there is no other place";
}

TEST(PlotLabels, LabelsInCornersStayInsideTheBox) {
  const std::vector<LabelRequest> requests = {
      {100, 100, "TP16"}, {1300, 100, "TP16"}, {100, 900, "TP16"}, {1300, 900, "TP16"}};
  const auto placed = place_labels(requests, {}, kGeometry);
  EXPECT_EQ(placed.size(), 4u);
  expect_nothing_overlaps(placed, requests);
}

TEST(PlotLabels, LabelsOfRandomPointsDoNotOverlap) {
  std::mt19937 random(5);
  for (const std::size_t count : {20u, 200u, 1500u}) {
    std::vector<LabelRequest> requests;
    std::vector<LabelLine> lines;
    for (std::size_t i = 0; i < count; ++i) {
      requests.push_back({100.0 + random() % 1200, 100.0 + random() % 800, i % 3 ? "TP8" : "TP16"});
      if (i % 7 == 6) lines.push_back({requests[i].x, requests[i].y, requests[i - 1].x, requests[i - 1].y});
    }
    const auto placed = place_labels(requests, lines, kGeometry);
    EXPECT_GE(placed.size(), std::min<std::size_t>(count, 100) * 9 / 10);
    expect_nothing_overlaps(placed, requests);
  }
}

TEST(PlotLabels, CoincidentPointsGetAsManyLabelsAsFit) {
  const std::vector<LabelRequest> requests(500, {600, 500, "TP8"});
  const auto placed = place_labels(requests, {}, kGeometry);
  EXPECT_GE(placed.size(), 4u);
  EXPECT_LT(placed.size(), 30u);
  EXPECT_EQ(placed.front().request, 0u) << "earlier requests take precedence";
  expect_nothing_overlaps(placed, requests);
}

TEST(PlotLabels, TooSmallBoxGetsNoLabels) {
  EXPECT_TRUE(place_labels(std::vector<LabelRequest>{{5, 5, "TP8"}}, {}, {0, 0, 10, 10, 7, 8, 13}).empty());
  EXPECT_TRUE(place_labels({}, {}, kGeometry).empty());
}

}  // namespace
}  // namespace sweep::report
