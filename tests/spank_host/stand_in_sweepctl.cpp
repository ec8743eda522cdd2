// See stand_in_sweepctl.hpp.
#include "tests/spank_host/stand_in_sweepctl.hpp"

#include <sys/stat.h>

#include <cstdlib>

namespace spank_host {
namespace {

Plugin* loaded = nullptr;

void call_exit_hook() {
  loaded->hook("exit");
  loaded->unload();
}

}  // namespace

std::string server_key() {
  return std::string(40, 'S');
}

std::string client_key() {
  return std::string(40, 'c');
}

std::string answer(const std::string& line) {
  return "printf '%s\\n' '" + line + "' >&4\nexec 4>&-\n";
}

std::string good_controller() {
  return answer("ready tcp://127.0.0.1:5555 " + server_key() + " " + client_key()) +
         "read end <&3\necho ended > $dir/ended\n";
}

Sweepctl::Sweepctl(const std::string& check, const std::string& serve) {
  mkfifo(folder_.path("silence").c_str(), 0600);
  folder_.program("sweepctl", "#!/bin/sh\ndir='" + folder_.path("") +
                                  "'\n"
                                  "echo $$ >> $dir/$1.pid\n"
                                  "for word; do printf '%s\\n' \"$word\" >> $dir/$1.words; done\n"
                                  "wait_forever() { read never <> $dir/silence; }\n"
                                  "if [ $1 = check ]; then\n" +
                                  check + "\nelse\n" + serve + "\nfi\n");
}

std::string Sweepctl::pid(const std::string& command) const {
  const std::vector<std::string> all = lines(folder_.text(command + ".pid"));
  return all.empty() ? "" : all.back();
}

Plugin& start_command(spank_context_t context, const std::vector<std::string>& arguments,
                      const Options& options) {
  slurm.context = context;
  loaded = new Plugin(arguments);
  std::atexit(call_exit_hook);
  loaded->hook("init");
  for (const auto& [name, value] : options)
    loaded->option(name, value);
  if (loaded->hook("init_post_opt") == 0) print_line("checked");
  return *loaded;
}

Plugin& start_srun(const std::vector<std::string>& arguments, const Options& options) {
  Plugin& plugin = start_command(S_CTX_LOCAL, arguments, options);
  if (plugin.hook("local_user_init") == 0) print_line("step");
  return plugin;
}

}  // namespace spank_host
