#include "controller/profile/yaml_text.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

namespace sweep::profile {

namespace {

void write(YAML::Emitter& out, const yaml::Value& value) {
  using yaml::Kind;
  if (value.is(Kind::Dict)) {
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.members) {
      out << YAML::Key;
      write(out, *key);
      out << YAML::Value;
      write(out, *item);
    }
    out << YAML::EndMap;
  } else if (value.is(Kind::List)) {
    out << YAML::BeginSeq;
    for (const auto& item : value.items)
      write(out, *item);
    out << YAML::EndSeq;
  } else if (value.is(Kind::Null)) {
    out << YAML::Null;
  } else if (value.is(Kind::Bool)) {
    out << YAML::TrueFalseBool << value.scalar.truth;
  } else if (value.is(Kind::Text)) {
    out << YAML::DoubleQuoted << value.text;
  } else {
    out << value.text;
  }
}

}  // namespace

std::string yaml_text(const yaml::Value& value) {
  YAML::Emitter out;
  write(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace sweep::profile
