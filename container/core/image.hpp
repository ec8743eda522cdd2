// How an image is named: as InferenceMAX's matrices do it, or as a path.
//
//   lmsysorg/sglang:v0.5.3rc1-cu129-b200             a repository of Docker Hub
//   nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2     a registry, in enroot's spelling; nvcr.io/nvidia/… is
//   the same …@sha256:<64 digits>                             exactly this content /raid/squash/sglang.sqsh,
//   /raid/images/sglang    a squash file, or an unpacked folder
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::container {

struct Image {
  std::string path;  // absolute; empty: a registry's
  std::string registry, repository;
  std::string tag;     // "latest" where neither tag nor digest is given
  std::string digest;  // "sha256:…", empty: none
  bool is_path() const { return !path.empty(); }
};

/// Fails, naming the value, on what is none of the above.
Expected<Image> parse_image(std::string_view text);

/// The name as one component of a path, as InferenceMAX's launchers make it: / : @ # become _.
std::string image_slug(std::string_view text);

/// For docker, podman and apptainer: "docker.io/lmsysorg/sglang:v0.5", "nvcr.io/nvidia/x@sha256:…".
std::string docker_name(const Image& image);
/// For enroot: "docker://nvcr.io#nvidia/x:tag", "docker://lmsysorg/sglang:v0.5".
std::string enroot_name(const Image& image);
/// The same for pyxis: enroot's without docker://; a path as it is.
std::string pyxis_name(const Image& image);

}  // namespace sweep::container
