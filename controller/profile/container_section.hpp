// The `container` section of a profile and of its runners. Everything here walks the table of
// proto/base/container_spec.hpp.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"
#include "proto/base/container_spec.hpp"
#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep::profile {

/// Reads a `container` section into `section`; it overrides keys that are already set.
void read_container(Reader& in, const yaml::Value& node, ContainerSection& section);

/// Returns the values of keys that no layer sets.
const ContainerSpec& default_container();

/// Returns `base` with the keys that `over` sets.
ContainerSpec merged(ContainerSpec base, const ContainerSection& over);

/// Returns the container of a point: the profile's keys overridden by its runner's, with placeholders filled.
/// Returns an error that names the key for an unknown placeholder, and for an image or mount that is not
/// valid.
Expected<ContainerSpec> container_of(const Profile& profile, const Point& point);

/// Returns true if the runtime is not "none".
bool has_container(const ContainerSpec& container);

/// Returns true if the profile or one of its runners runs the agents in the image.
bool has_agents_inside(const Profile& profile);

}  // namespace sweep::profile
