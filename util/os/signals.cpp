#include "util/os/signals.hpp"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace sweep {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_IGN;
}

std::vector<int> without_ignored(std::initializer_list<int> signals) {
  std::vector<int> out;
  for (const int signal : signals) {
    if (!is_ignored(signal)) out.push_back(signal);
  }
  return out;
}

void set_standard_dispositions() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  if (is_ignored(SIGCHLD)) std::signal(SIGCHLD, SIG_DFL);
}

SignalFd::SignalFd(std::initializer_list<int> signals) {
  set_standard_dispositions();
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : without_ignored(signals))
    sigaddset(&set, signal);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0)
    throw std::system_error(errno, std::generic_category());
  fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_.open()) throw std::system_error(errno, std::generic_category(), "signalfd");
}

std::vector<int> SignalFd::take() {
  std::vector<int> out;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    out.push_back(static_cast<int>(info.ssi_signo));
  }
  return out;
}

}  // namespace sweep
