// The last N distinct names: to do something once per peer without keeping every peer for ever.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace sweep {

class Recent {
 public:
  explicit Recent(std::size_t most) : most_(most) {}
  /// Adds `name`. Returns false if it is already among the last ones.
  bool insert(const std::string& name) {
    if (!names_.insert(name).second) return false;
    order_.push_back(name);
    if (order_.size() > most_) {
      names_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  std::size_t size() const { return order_.size(); }

 private:
  std::size_t most_;
  std::unordered_set<std::string> names_;
  std::deque<std::string> order_;
};

}  // namespace sweep
