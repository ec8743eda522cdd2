// The `container` section of a profile, and those of its runners.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"

namespace sweep::profile {

/// Reads a section over what `container` has.
void read_container(Reader& in, const yaml::Value& node, Container& container);
/// Reads `runners` over what the list has.
void read_runners(Reader& in, const yaml::Value& node, std::vector<Runner>& runners);
/// Reads an `env` mapping over what is there.
void read_env(Reader& in, const yaml::Value& node, Variables& variables);

/// Calls visit(key, field) for each field, of one kind after the other: for records and for people.
template <class C, class Visit>
void each_field(C& container, Visit visit) {
  visit("runtime", container.runtime);
  visit("image", container.image);
  visit("image-cache", container.cache);
  visit("scratch", container.scratch);
  visit("workdir", container.workdir);
  visit("shm-size", container.shm_size);
  visit("mounts", container.mounts);
  visit("env", container.names);
  visit("options", container.options);
  visit("writable", container.writable);
  visit("client", container.client);
  visit("prefetch", container.prefetch);
  visit("image-retries", container.retries);
  visit("image-room", container.room_bytes);
  visit("cache-size", container.keep_bytes);
  visit("cache-age", container.keep);
}

/// What holds where no layer says otherwise.
const Container& default_container();

/// `base` with the fields that `over` has.
Container merged(Container base, const Container& over);

}  // namespace sweep::profile
