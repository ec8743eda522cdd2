#include "proto/wire/msgpack.hpp"

#include <vector>

#include "util/json.hpp"

namespace sweep::wire {

namespace {

using nlohmann::json;

// Builds a value from the parser's events. An event that returns false stops the parser, so it never recurses
// deeper than max_depth.
class LimitedBuilder final : public json::json_sax_t {
 public:
  explicit LimitedBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  json take() { return std::move(root_); }

  bool null() override { return add_scalar(nullptr); }
  bool boolean(bool value) override { return add_scalar(value); }
  bool number_integer(number_integer_t value) override { return add_scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return add_scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return add_scalar(value); }
  bool string(string_t& value) override { return add_scalar(std::move(value)); }
  bool binary(binary_t& value) override { return add_scalar(std::move(value)); }

  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  // Adds a value to the innermost open container and returns its place there. Of two equal keys the last one
  // wins.
  json& add(json value) {
    if (open_.empty()) return root_ = std::move(value);
    json& parent = *open_.back();
    if (parent.is_object()) return parent[key_] = std::move(value);
    return parent.emplace_back(std::move(value));
  }
  bool add_scalar(json value) {
    add(std::move(value));
    return true;
  }
  bool open(json container) {
    if (open_.size() == max_depth_) return false;
    open_.push_back(&add(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const std::size_t max_depth_;
  json root_;
  // The open containers. A container does not grow while an inner one is open, so the pointers stay valid.
  std::vector<json*> open_;
  std::string key_;
};

json parse(std::string_view bytes, std::size_t max_depth, bool whole) {
  LimitedBuilder builder(max_depth);
  const bool good = json::sax_parse(bytes, &builder, json::input_format_t::msgpack, whole);
  return good ? builder.take() : json(json::value_t::discarded);
}

}  // namespace

json parse_msgpack(std::string_view bytes, std::size_t max_depth) {
  return parse(bytes, max_depth, true);
}

bool nests_within(std::string_view bytes, std::size_t max_depth) {
  return !parse(bytes, max_depth, false).is_discarded();
}

}  // namespace sweep::wire
