#include "util/json.hpp"

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;
template class nlohmann::detail::serializer<nlohmann::json>;
template class nlohmann::detail::serializer<nlohmann::ordered_json>;

namespace sweep {

namespace {

template <class Json>
Json parse_shallow(std::string_view text) {
  constexpr int kDeepest = 64;
  bool deep = false;
  const auto shallow = [&](int depth, typename Json::parse_event_t, Json&) {
    deep = deep || depth > kDeepest;
    return !deep;
  };
  Json value = Json::parse(text, shallow, false);
  return deep ? Json(Json::value_t::discarded) : value;
}

}  // namespace

nlohmann::json parse_json(std::string_view text) {
  return parse_shallow<nlohmann::json>(text);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text) {
  return parse_shallow<nlohmann::ordered_json>(text);
}

}  // namespace sweep
