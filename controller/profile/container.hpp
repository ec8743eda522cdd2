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

/// Calls visit(key, field...) for each field, with that of each of the containers: the one list of them all.
template <class Visit, class... C>
void each_field(Visit visit, C&... containers) {
  visit("runtime", containers.runtime...);
  visit("image", containers.image...);
  visit("image-cache", containers.cache...);
  visit("scratch", containers.scratch...);
  visit("workdir", containers.workdir...);
  visit("shm-size", containers.shm_size...);
  visit("mounts", containers.mounts...);
  visit("env", containers.names...);
  visit("options", containers.options...);
  visit("writable", containers.writable...);
  visit("client", containers.client...);
  visit("agent", containers.agent...);
  visit("prefetch", containers.prefetch...);
  visit("image-retries", containers.retries...);
  visit("image-room", containers.room_bytes...);
  visit("cache-size", containers.keep_bytes...);
  visit("cache-age", containers.keep...);
}

/// Whether the profile or one of its runners wants agents in the image.
bool wants_agents_inside(const Profile& profile);

/// What holds where no layer says otherwise.
const Container& default_container();

/// `base` with the fields that `over` has.
Container merged(Container base, const Container& over);

}  // namespace sweep::profile
