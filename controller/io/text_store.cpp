#include "controller/io/text_store.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>

#include "util/os/files.hpp"

namespace sweep {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;

Fd nameless_file(const std::string& directory) {
  std::string path = directory + "/.texts.tmp-XXXXXX";
  Fd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (fd.open()) ::unlink(path.c_str());
  return fd;
}

}  // namespace

TextStore::TextStore(const std::string& directory) : fd_(nameless_file(directory)) {
  std::error_code ignored;
  if (!fd_.open()) fd_ = nameless_file(std::filesystem::temp_directory_path(ignored).string());
  if (!fd_.open()) code_ = errno;
}

void TextStore::add(std::string_view text, report::Row& row) {
  row.text_at = size_ + buffer_.size();
  row.text_size = text.size();
  buffer_ += text;
  if (buffer_.size() >= kBuffer) flush();
}

// Appends: pread() does not move the position at which this writes. After a failure read() only fails, so
// size_ need not be right any more.
void TextStore::flush() {
  if (code_ == 0) code_ = write_all(fd_.get(), buffer_);
  size_ += buffer_.size();
  buffer_.clear();
}

Expected<std::string> TextStore::read(const report::Row& row) {
  flush();
  std::string text(row.text_size, '\0');
  for (std::size_t done = 0; code_ == 0 && done < text.size();) {
    const ssize_t got =
        ::pread(fd_.get(), text.data() + done, text.size() - done, static_cast<off_t>(row.text_at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) code_ = got < 0 ? errno : EIO;
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  if (code_ != 0) return fail("cannot store results in a temporary file: " + errno_text(code_));
  return text;
}

}  // namespace sweep
