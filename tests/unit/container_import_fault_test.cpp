// container/core/import_fault: the classification of failed imports.
#include <gtest/gtest.h>

#include "container/core/import_fault.hpp"

namespace sweep::container {
namespace {

void expect(ImportFault fault, std::initializer_list<const char*> outputs) {
  for (const char* output : outputs)
    EXPECT_EQ(import_fault(output), fault) << output;
}

// The messages are those of enroot 4.1 (curl), podman 4.3, docker and apptainer.
TEST(ImportFault, RegistryRequiresALogin) {
  expect(
      ImportFault::Login,
      {"[INFO] Querying registry for permission grant\n[ERROR] URL https://x returned error code: 401 "
       "Unauthorized\n",
       "curl: (22) The requested URL returned error: 403",
       "Error: initializing source docker://x:1: reading manifest 1 in docker.io/x: requested access to the "
       "resource is denied",
       "Error response from daemon: pull access denied for x, repository does not exist or may require "
       "'docker login': denied: requested access to the resource is denied",
       "Error response from daemon: Head \"http://x/v2/y/manifests/1\": no basic auth credentials",
       "[INFO] Querying registry for permission grant\n[INFO] Authenticating with user: <anonymous>\n",
       "FATAL:   While making image from oci registry: unauthorized: authentication required"});
}

TEST(ImportFault, RegistryDoesNotHaveTheImage) {
  expect(ImportFault::NoSuchImage,
         {"[ERROR] URL https://x returned error code: 404 Not Found",
          "curl: (22) The requested URL returned error: 404",
          "Error: reading manifest 1 in localhost:5000/x: manifest unknown",
          "Error response from daemon: manifest for x:1 not found: manifest unknown: manifest unknown",
          "failed to resolve reference \"docker.io/x:1\": docker.io/x:1: not found"});
}

TEST(ImportFault, ProgressAndErrorsOfTheNodeAreNotARegistrysAnswer) {
  expect(ImportFault::Unclear,
         {"[INFO] Authenticating with user: <anonymous>\ncurl: (28) Operation timed out",
          "[INFO] Authenticating with user: me\n[INFO] Authentication succeeded\nreset by peer",
          "sha256:4015f6aab403e404\ncurl: (56) Recv failure: Connection reset by peer",
          "100  401M  100  401M    0     0   404k\ncurl: (28) Operation too slow",
          "layer 404 of 403\ntimed out", "mkdir: cannot create directory '/raid/x': Permission denied",
          "open /run/user/0/x: permission denied: denied", "enroot: line 4: mksquashfs: command not found",
          "[ERROR] URL https://x returned error code: 429 Too Many Requests", "error code: 4040", "",
          "429 Too Many Requests: Quota exceeded for quota metric 'Requests'", "open /x: not found"});
}

// The tool recovered from earlier errors.
TEST(ImportFault, OnlyTheLastLinesCount) {
  expect(ImportFault::Unclear,
         {"curl: (22) The requested URL returned error: 401\nretrying\n1\n2\n3\n4\n5\nreset by peer",
          "error: 404\r1 %\r2 %\r3 %\r4 %\r5 %\r6 %\nreset by peer"});
}

TEST(ImportFault, DiskIsFull) {
  expect(ImportFault::DiskFull, {"write: No space left on device", "write error: Disk quota exceeded"});
}

}  // namespace
}  // namespace sweep::container
