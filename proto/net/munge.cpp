#include "proto/net/munge.hpp"

#include <dlfcn.h>
#include <munge.h>
#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>

#include "util/digest.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr int kSecondsToLive = 120;
constexpr std::size_t kMostSlurmConf = 4 * 1024 * 1024;
constexpr const char* kLibrary = "libmunge.so.2";

// --- the library

struct Library {
  decltype(&::munge_encode) encode = nullptr;
  decltype(&::munge_decode) decode = nullptr;
  decltype(&::munge_strerror) strerror = nullptr;
  decltype(&::munge_ctx_create) ctx_create = nullptr;
  decltype(&::munge_ctx_destroy) ctx_destroy = nullptr;
  decltype(&::munge_ctx_set) ctx_set = nullptr;
  decltype(&::munge_ctx_strerror) ctx_strerror = nullptr;
};

template <class Function>
bool find(void* handle, const char* name, Function& out) {
  out = reinterpret_cast<Function>(::dlsym(handle, name));
  return out != nullptr;
}

Expected<Library> load_library() {
  void* handle = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // never closed, because a call may hang in it
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return fail(printable(why != nullptr ? why : "the dynamic loader gives no reason"));
  }
  Library out;
  const bool whole =
      find(handle, "munge_encode", out.encode) && find(handle, "munge_decode", out.decode) &&
      find(handle, "munge_strerror", out.strerror) && find(handle, "munge_ctx_create", out.ctx_create) &&
      find(handle, "munge_ctx_destroy", out.ctx_destroy) && find(handle, "munge_ctx_set", out.ctx_set) &&
      find(handle, "munge_ctx_strerror", out.ctx_strerror);
  if (!whole) return fail("libmunge lacks a function that munge 0.5 has");
  return out;
}

// Returns libmunge. A failure is not cached, because munge may be installed before an agent's next attempt.
Expected<Library> library() {
  static Expected<Library> loaded = fail("");
  if (!loaded) loaded = load_library();
  return loaded;
}

struct Destroy {
  decltype(&::munge_ctx_destroy) destroy;
  void operator()(munge_ctx_t context) const { destroy(context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<munge_ctx_t>, Destroy>;

struct Free {
  void operator()(void* bytes) const { std::free(bytes); }
};

// --- a call with a time limit

struct Answer {
  munge_err_t code = EMUNGE_SNAFU;
  std::string text, bytes;  // text: the error; bytes: a credential or a payload
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Call {
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Answer> answer;
};

// Returns the call that did not end in time; nullptr if there is none.
std::shared_ptr<Call>& hanging() {
  static std::shared_ptr<Call> call;
  return call;
}

Answer no_answer(const std::string& text) {
  Answer out;
  out.code = EMUNGE_SOCKET;
  out.text = text;
  return out;
}

// Runs `work` on a separate thread and returns its answer, or an error after kMungePatience.
Answer with_time_limit(std::function<Answer()> work) {
  if (const auto before = hanging()) {
    const std::lock_guard lock(before->mutex);
    if (!before->answer) return no_answer("munged does not answer");
  }
  hanging().reset();
  const auto call = std::make_shared<Call>();
  // Signals must only be delivered to the thread of the event loop.
  sigset_t all, old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  try {
    std::thread([call, work = std::move(work)] {
      Answer answer = work();
      const std::lock_guard lock(call->mutex);
      call->answer = std::move(answer);
      call->ended.notify_all();
    }).detach();
  } catch (const std::system_error& error) {
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return no_answer(std::string("cannot start a thread for munge: ") + error.what());
  }
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  std::unique_lock lock(call->mutex);
  if (!call->ended.wait_for(lock, kMungePatience, [&] { return call->answer.has_value(); })) {
    hanging() = call;
    return no_answer("munged does not answer within " + std::to_string(kMungePatience.count()) + " ms");
  }
  return std::move(*call->answer);
}

// --- the two calls, on their thread

Answer failed(const Library& munge, munge_ctx_t context, munge_err_t code) {
  Answer out;
  out.code = code;
  const char* text = context == nullptr ? nullptr : munge.ctx_strerror(context);
  if (text == nullptr) text = munge.strerror(code);
  out.text = printable(text == nullptr ? "unknown error of munge" : text);
  return out;
}

Context make_context(const Library& munge, const std::string& socket) {
  Context context(munge.ctx_create(), Destroy{munge.ctx_destroy});
  if (context != nullptr && !socket.empty()) munge.ctx_set(context.get(), MUNGE_OPT_SOCKET, socket.c_str());
  return context;
}

Answer encode(const Library& munge, const std::string& socket, const std::string& payload) {
  const Context context = make_context(munge, socket);
  if (context == nullptr) return failed(munge, nullptr, EMUNGE_NO_MEMORY);
  munge.ctx_set(context.get(), MUNGE_OPT_UID_RESTRICTION, munge_uid());
  munge.ctx_set(context.get(), MUNGE_OPT_TTL, kSecondsToLive);
  char* text = nullptr;
  const munge_err_t code =
      munge.encode(&text, context.get(), payload.data(), static_cast<int>(payload.size()));
  const std::unique_ptr<char, Free> owned(text);
  if (code != EMUNGE_SUCCESS) return failed(munge, context.get(), code);
  Answer out;
  out.code = code;
  out.bytes = text;
  return out;
}

Answer decode(const Library& munge, const std::string& socket, const std::string& credential) {
  const Context context = make_context(munge, socket);
  if (context == nullptr) return failed(munge, nullptr, EMUNGE_NO_MEMORY);
  Answer out;
  void* bytes = nullptr;
  int size = 0;
  out.code = munge.decode(credential.c_str(), context.get(), &bytes, &size, &out.uid, &out.gid);
  const std::unique_ptr<void, Free> owned(bytes);  // some errors come with a payload
  if (out.code != EMUNGE_SUCCESS) return failed(munge, context.get(), out.code);
  if (bytes != nullptr && size > 0)
    out.bytes.assign(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  return out;
}

MungeFault::Kind kind_of(munge_err_t code) {
  switch (code) {
    case EMUNGE_SNAFU:
    case EMUNGE_NO_MEMORY:
    case EMUNGE_SOCKET:
    case EMUNGE_TIMEOUT:
      return MungeFault::Kind::Unreachable;
    case EMUNGE_CRED_EXPIRED:
    case EMUNGE_CRED_REWOUND:
      return MungeFault::Kind::OtherTime;
    case EMUNGE_CRED_REPLAYED:
      return MungeFault::Kind::Replayed;
    case EMUNGE_CRED_UNAUTHORIZED:
      return MungeFault::Kind::OtherUser;
    default:
      return MungeFault::Kind::Invalid;
  }
}

}  // namespace

uid_t outer_uid(std::string_view uid_map, uid_t uid) {
  std::istringstream lines{std::string(uid_map)};
  std::uint64_t inside = 0, outside = 0, count = 0;
  while (lines >> inside >> outside >> count) {
    if (uid >= inside && uid - inside < count) return static_cast<uid_t>(outside + (uid - inside));
  }
  return uid;
}

uid_t munge_uid() {
  std::ifstream file("/proc/self/uid_map");
  std::ostringstream text;
  text << file.rdbuf();
  return outer_uid(text.str(), ::geteuid());
}

Expected<std::string> munge_credential(std::string_view payload) {
  const auto munge = library();
  if (!munge) return tl::unexpected(munge.error());
  Answer answer =
      with_time_limit([munge = *munge, socket = munge_place().socket, payload = std::string(payload)] {
        return encode(munge, socket, payload);
      });
  if (answer.code != EMUNGE_SUCCESS) return fail(answer.text);
  return std::move(answer.bytes);
}

tl::expected<MungeIdentity, MungeFault> munge_check(const std::string& credential) {
  const auto munge = library();
  if (!munge) return tl::unexpected(MungeFault{MungeFault::Kind::Unreachable, munge.error().message});
  Answer answer = with_time_limit([munge = *munge, socket = munge_place().socket, credential] {
    return decode(munge, socket, credential);
  });
  if (answer.code != EMUNGE_SUCCESS) return tl::unexpected(MungeFault{kind_of(answer.code), answer.text});
  return MungeIdentity{answer.uid, answer.gid, std::move(answer.bytes)};
}

namespace {

/// Returns a digest of the parts, each preceded by its length, so that two different lists never have the
/// same digest.
std::string payload_of(std::string text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts)
    text += std::to_string(part.size()) + ":" + part + "\n";
  return sha256_hex(text);
}

}  // namespace

std::string hello_payload(const std::string& server_public_key, const wire::Hello& hello) {
  return payload_of("slurm-sweep hello 1\n",
                    {server_public_key, hello.agent, hello.node, std::to_string(hello.pid)});
}

std::string request_payload(const std::string& server_public_key, std::string_view what) {
  return payload_of("slurm-sweep request 1\n", {server_public_key, std::string(what)});
}

MungePlace munge_place() {
  const char* named = std::getenv("SLURM_CONF");
  for (const std::string& path :
       {std::string(named == nullptr ? "" : named), std::string("/etc/slurm/slurm.conf"),
        std::string("/run/slurm/conf/slurm.conf")}) {
    if (path.empty()) continue;
    if (const auto text = read_file(path, kMostSlurmConf)) return {munge_socket_of(*text).value_or(""), path};
  }
  return {};
}

// The line is AuthInfo=socket=/run/munge/other,ttl=60 with names in any case; a later line wins. Files that
// slurm.conf includes are not read.
std::optional<std::string> munge_socket_of(std::string_view slurm_conf) {
  constexpr std::string_view kName = "authinfo=", kOption = "socket=";
  std::optional<std::string> found;
  for (const std::string& line : split(slurm_conf, '\n')) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || !ascii_lower(line.substr(begin, kName.size())).starts_with(kName))
      continue;
    const std::string value = line.substr(begin + kName.size());
    for (const std::string& option : split(value.substr(0, value.find_first_of(" \t\r#")), ',')) {
      if (ascii_lower(option.substr(0, kOption.size())) == kOption) found = option.substr(kOption.size());
    }
  }
  return found && !found->empty() ? found : std::nullopt;
}

}  // namespace sweep
