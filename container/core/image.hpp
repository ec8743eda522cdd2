// Names of container images, as InferenceMAX's matrices write them, or as paths.
//
//   lmsysorg/sglang:v0.5.3rc1-cu129-b200           a repository of Docker Hub
//   nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2   a registry, in enroot's notation
//   nvcr.io/nvidia/tensorrt-llm/release:1.1.0rc2   the same, in docker's notation
//   alice@registry.site:5000#team/image:tag        a registry with the user to log in as, in enroot's notation
//   …@sha256:<64 digits>                           exactly the image with this digest
//   /raid/squash/sglang.sqsh, /raid/images/x       a squash file, or an unpacked directory
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::container {

struct Image {
  std::string path;                  // absolute; empty for an image of a registry
  std::string registry, repository;  // registry is empty for Docker Hub
  std::string user;                  // whose login enroot uses; other runtimes have their own logins
  std::string tag;                   // "latest" if the name has neither tag nor digest
  std::string digest;                // "sha256:…"; empty if the name has none
  bool is_path() const { return !path.empty(); }
};

/// Parses an image name. Returns an error that names the value if it has none of the forms above.
Expected<Image> parse_image(std::string_view text);

/// Returns the name as one component of a path, as InferenceMAX's launchers do: / : @ # become _.
std::string image_slug(std::string_view text);

/// Returns the name for docker, podman and apptainer: "docker.io/lmsysorg/sglang:v0.5",
/// "nvcr.io/nvidia/x@sha256:…".
std::string docker_name(const Image& image);
/// Returns the name for enroot: "docker://nvcr.io#nvidia/x:tag", "docker://lmsysorg/sglang:v0.5".
std::string enroot_name(const Image& image);
/// Returns the name for pyxis: enroot's without "docker://"; a path is unchanged.
std::string pyxis_name(const Image& image);

}  // namespace sweep::container
