// Simulates the loading of the weights: prints its progress to standard error and calls back when it is done.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "benchmarks/sweep-simserver/io/settings.hpp"

namespace sweep::sim_server {

class Loader {
 public:
  Loader(boost::asio::io_context& loop, const Settings& settings) : settings_(settings), timer_(loop) {}

  /// Starts to load. `loaded` is called at the end, at once if loading takes no time, and never with
  /// --fault never-ready.
  void start(std::function<void()> loaded);
  void stop() { timer_.cancel(); }

 private:
  void load(int percent);

  const Settings& settings_;
  boost::asio::steady_timer timer_;
  std::function<void()> loaded_;
};

}  // namespace sweep::sim_server
