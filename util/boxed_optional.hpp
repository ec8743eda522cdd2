// A heap-allocated optional for a field that only few of many objects have: it takes the size of a pointer,
// and memory for the value only if there is one. Copies are independent, as with std::optional. Pure.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace sweep {

template <class T>
class BoxedOptional {
 public:
  BoxedOptional() = default;
  BoxedOptional(std::nullopt_t) {}
  BoxedOptional(T value) : held_(std::make_unique<T>(std::move(value))) {}
  BoxedOptional(std::optional<T> value) : held_(value ? std::make_unique<T>(std::move(*value)) : nullptr) {}
  BoxedOptional(const BoxedOptional& other)
      : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  BoxedOptional(BoxedOptional&&) noexcept = default;
  BoxedOptional& operator=(BoxedOptional other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }

  explicit operator bool() const { return held_ != nullptr; }
  const T& operator*() const { return *held_; }
  const T* operator->() const { return held_.get(); }
  friend bool operator==(const BoxedOptional& a, const BoxedOptional& b) {
    return a.held_ && b.held_ ? *a.held_ == *b.held_ : !a.held_ && !b.held_;
  }

 private:
  std::unique_ptr<T> held_;
};

}  // namespace sweep
