// container/core: image names, mounts, the superblock of a squash file, and the text of requests and reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/core/image.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "container/core/squashfs.hpp"

namespace sweep::container {
namespace {

using testing::HasSubstr;

struct Name {
  const char *text, *docker, *enroot, *slug;
};

TEST(Image, InferenceMaxNamesAreParsed) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string with_digest = "nvcr.io/nvidia/x@" + digest;
  const Name names[] = {
      {"lmsysorg/sglang:v0.5.3rc1-cu129-b200", "docker.io/lmsysorg/sglang:v0.5.3rc1-cu129-b200",
       "docker://lmsysorg/sglang:v0.5.3rc1-cu129-b200", "lmsysorg_sglang_v0.5.3rc1-cu129-b200"},
      {"nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2",
       "nvcr.io/nvidia/tensorrt-llm/release:1.1.0rc2.post2",
       "docker://nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2",
       "nvcr.io_nvidia_tensorrt-llm_release_1.1.0rc2.post2"},
      {"localhost:5000/a/b", "localhost:5000/a/b:latest", "docker://localhost:5000#a/b:latest",
       "localhost_5000_a_b"},
      {"alice@registry.example.com:5000#team/image:tag", "registry.example.com:5000/team/image:tag",
       "docker://alice@registry.example.com:5000#team/image:tag",
       "alice_registry.example.com_5000_team_image_tag"},
      {"alice@docker.io#team/image", "docker.io/team/image:latest",
       "docker://alice@docker.io#team/image:latest", "alice_docker.io_team_image"},
      {"ubuntu:24.04", "docker.io/library/ubuntu:24.04", "docker://ubuntu:24.04", "ubuntu_24.04"},
      {"docker://rocm/7.0:rocm7.0", "docker.io/rocm/7.0:rocm7.0", "docker://rocm/7.0:rocm7.0",
       "docker___rocm_7.0_rocm7.0"}};
  for (const Name& name : names) {
    const auto image = parse_image(name.text);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(docker_name(*image), name.docker);
    EXPECT_EQ(enroot_name(*image), name.enroot);
    EXPECT_EQ(image_slug(name.text), name.slug);
  }
  const auto exact = parse_image(with_digest);
  ASSERT_TRUE(exact);
  EXPECT_EQ(docker_name(*exact), with_digest);
  EXPECT_EQ(enroot_name(*exact), "docker://nvcr.io#nvidia/x@" + digest);
}

TEST(Image, PathsMustBeAbsolute) {
  const auto file = parse_image("/raid/squash/a.sqsh");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->is_path());
  EXPECT_THAT(parse_image("./a.sqsh").error().message, HasSubstr("must be absolute"));
  for (const char* relative : {"a.sqsh", "images/a.sqsh"})
    EXPECT_THAT(parse_image(relative).error().message, HasSubstr("needs its absolute path")) << relative;
}

TEST(Image, InvalidNamesAreRefusedWithAReason) {
  for (const char* bad :
       {"", " ", "a b", "a\nb", "-rm:1", "a:b c", "a@sha256:12", "a@md5:00", "a;b", "a/$(x):1", "a:t\x1b"}) {
    const auto image = parse_image(bad);
    ASSERT_FALSE(image) << bad;
    EXPECT_THAT(image.error().message, HasSubstr("is not an image name")) << bad;
    EXPECT_EQ(image.error().message.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(parse_image(std::string(5000, 'a')));
}

TEST(Mounts, TextIsTheSameAfterARoundTrip) {
  EXPECT_EQ(*parse_mount("/a:/b"), (Mount{"/a", "/b", false}));
  EXPECT_EQ(*parse_mount("/a:/b:ro"), (Mount{"/a", "/b", true}));
  EXPECT_EQ(*parse_mount("/a:/b:rw"), (Mount{"/a", "/b", false}));
  EXPECT_EQ(mount_text(*parse_mount("/a:/b:ro")), "/a:/b:ro");
  for (const char* bad : {"", "/a", "/a:b", "a:/b", "/a:/b:x", "/a:/b:ro:rw", "/a,c:/b", "/a:/", "/a:/b\n"})
    EXPECT_THAT(parse_mount(bad).error().message, HasSubstr("mount '")) << bad;
}

/// Returns the first 96 bytes of a file of mksquashfs, with only the fields that are read.
std::string head(std::uint64_t bytes_used, std::uint64_t tables, std::uint32_t inodes) {
  std::string out(kSuperblockBytes, '\0');
  out.replace(0, 4, "hsqs");
  const auto put = [&](std::size_t at, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      out[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i) & 0xff);
  };
  put(4, inodes, 4);
  put(28, 4, 2);
  put(40, bytes_used, 8);
  put(64, tables, 8);
  return out;
}

TEST(Squashfs, TruncatedAndForeignFilesAreDetected) {
  const std::string good = head(10'000, 9'000, 5);
  ASSERT_TRUE(read_superblock(good, 12'288));
  EXPECT_EQ(read_superblock(good, 12'288)->tables_begin, 9'000U);
  EXPECT_THAT(read_superblock(good, 9'999).error().message,
              HasSubstr("it is truncated: it has 9999 of 10000 bytes"));
  EXPECT_THAT(read_superblock("hsqs", 4).error().message, HasSubstr("too few"));
  EXPECT_THAT(read_superblock(std::string(96, '\0'), 96).error().message, HasSubstr("not a squash file"));
  EXPECT_THAT(read_superblock(head(10'000, 9'000, 0), 10'000).error().message, HasSubstr("damaged"));
  EXPECT_THAT(read_superblock(head(10'000, 10'000, 3), 10'000).error().message, HasSubstr("damaged"));
  std::string old = good;
  old[28] = 3;
  EXPECT_THAT(read_superblock(old, 12'288).error().message, HasSubstr("version 3"));
}

StageRequest strange_stage() {
  StageRequest out;
  out.runtime = Runtime::Enroot;
  out.tool = "/usr/bin/enroot";
  out.version = "enroot 4";
  out.node = "n1";
  out.container.image = "a/b:1";
  out.container.cache = "/c";
  out.container.scratch = "/s";
  out.container.by_runtime = true;
  out.container.retries = 3;
  out.container.room_bytes = 4;
  out.container.keep_bytes = 5;
  out.container.keep_ms = 6;
  return out;
}

StartRequest strange_start() {
  StartRequest out;
  out.runtime = Runtime::Docker;
  out.tool = "/usr/bin/docker";
  out.name = "n";
  out.argv = {"a", "b c"};
  out.workspace = "/w";
  out.image_variables = {"Y=1"};
  out.gpus = "amd";
  out.container.image = "i";
  out.container.workdir = "/d";
  out.container.mounts = {"/a:/b:ro"};
  out.container.names = {"X"};
  out.container.options = {"--o"};
  out.container.scratch = "/s";
  out.container.shm_size = "1g";
  out.container.writable = false;
  out.job = "12";
  out.node = "n1";
  return out;
}

TEST(Requests, RequestIsTheSameAfterARoundTrip) {
  EXPECT_EQ(*stage_request_in(to_text(strange_stage())), strange_stage());
  EXPECT_EQ(*start_request_in(to_text(strange_start())), strange_start());
}

TEST(Requests, EveryTruncatedRequestIsRefused) {
  const std::string stage = to_text(strange_stage()), start = to_text(strange_start());
  for (std::size_t i = 0; i < stage.size(); ++i)
    EXPECT_FALSE(stage_request_in(stage.substr(0, i))) << i;
  for (std::size_t i = 0; i < start.size(); ++i)
    EXPECT_FALSE(start_request_in(start.substr(0, i))) << i;
}

TEST(Reports, ReportIsTheSameAfterARoundTrip) {
  const Report all[] = {StageProgress{"importing", 1, 2},
                        Staged{Runtime::Bwrap, "/b", "b 1", "/i", 3, "d:1", {"A=1"}}, Failed{true, "no"}};
  for (const Report& report : all) {
    const std::string line = line_of(report);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto back = report_in(line);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, report);
    for (std::size_t i = 0; i < line.size(); ++i)
      EXPECT_FALSE(report_in(line.substr(0, i))) << i;
  }
  EXPECT_EQ(std::get<Failed>(*report_in(line_of(Failed{false, "a\nb\x1b\xff"}))).reason, "a\\nb??");
}

}  // namespace
}  // namespace sweep::container
