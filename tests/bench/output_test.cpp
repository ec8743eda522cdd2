// The program sweep-bench and what it needs at its end: the result file, its standard output, and signals
// that were ignored when it started.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/bench/bench_program.hpp"
#include "util/shell_word.hpp"

namespace sweep::client {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class BenchOutput : public BenchProgram {
 protected:
  /// Runs sweep-bench in a shell, behind `before` ("ulimit -f 1; exec").
  int run_in_shell(const ScriptedServer& server, const std::string& before, std::vector<std::string> more,
                   const std::string& after = "") {
    auto line = command_line(server, std::move(more));
    line[0] = SWEEP_BIN_DIR "/sweep-bench";
    std::string script = before;
    for (const std::string& word : line)
      script += " " + shell_word(word);
    Program program(directory_.string(), {"/bin/sh", "-c", script + after});
    const int status = program.finish();
    out_ = program.out();
    err_ = program.err();
    return status;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
};

TEST_F(BenchOutput, PlaceOfTheResultIsCheckedBeforeAnythingIsSent) {
  ScriptedServer server(good);
  write("file", "");
  for (const auto& [folder, words] : {std::pair<std::string, std::string>{path("none"), "mkdir -p "},
                                      {path("file"), "is not a directory"}}) {
    EXPECT_EQ(run(server, {"--num-prompts", "2", "--result-dir", folder}), 1);
    EXPECT_THAT(err_, HasSubstr("cannot write '" + folder + "/r.json': "));
    EXPECT_THAT(err_, HasSubstr(words));
  }
  EXPECT_EQ(run(server, {"--num-prompts", "2", "--result-filename", std::string(300, 'n')}), 1);
  EXPECT_THAT(err_, HasSubstr("File name too long"));
  EXPECT_EQ(server.requests(), 0);
  EXPECT_EQ(files(), 1U);
}

TEST_F(BenchOutput, ResultGoesToStandardOutput) {
  ScriptedServer server(good);
  for (const std::string to : {"/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"}) {
    EXPECT_EQ(run(server, {"--num-prompts", "2", "--quiet", "--result-filename", to}), 0) << err_;
    const json result = json::parse(out_.substr(out_.find("{\"date\"")), nullptr, false);
    EXPECT_EQ(result["completed"], 2) << out_;
  }
  EXPECT_EQ(run_in_shell(server, "exec",
                         {"--quiet", "--num-prompts", "2", "--result-filename", "/dev/stdout"}, " > out.txt"),
            0)
      << err_;
  EXPECT_THAT(read("out.txt"), HasSubstr("Starting main benchmark run"));
  EXPECT_THAT(read("out.txt"), HasSubstr("\"completed\":2"));
}

TEST_F(BenchOutput, LinkIsFollowed) {
  ScriptedServer server(good);
  std::filesystem::create_directory(path("store"));
  std::filesystem::create_symlink("store/kept.json", path("r.json"));
  EXPECT_EQ(run(server, {"--num-prompts", "2"}), 0) << err_;
  EXPECT_TRUE(std::filesystem::is_symlink(path("r.json")));
  EXPECT_EQ(json::parse(read("store/kept.json"))["completed"], 2);
}

TEST_F(BenchOutput, FifoIsWrittenToIfAProcessReadsIt) {
  ScriptedServer server(good);
  ASSERT_EQ(::mkfifo(path("r.json").c_str(), 0600), 0);
  EXPECT_EQ(run(server, {"--num-prompts", "2"}), 1);
  EXPECT_THAT(err_, HasSubstr("no process reads it; start the reader first: cat "));
  EXPECT_EQ(server.requests(), 0) << "no result must be lost at the end";
  EXPECT_EQ(run_in_shell(server, "cat r.json >got & exec", {"--num-prompts", "2"}), 0) << err_;
  EXPECT_TRUE(std::filesystem::is_fifo(path("r.json")));
}

TEST_F(BenchOutput, LimitOfFileSizesIsAnErrorAndLeavesNothing) {
  ScriptedServer server(good);
  EXPECT_EQ(run_in_shell(server, "ulimit -f 1; exec", {"--num-prompts", "200", "--save-detailed", "--quiet"}),
            1);
  EXPECT_THAT(err_,
              HasSubstr("r.json': File too large; raise the limit on file sizes: ulimit -f unlimited\n"));
  EXPECT_EQ(files(), 0U);
}

TEST_F(BenchOutput, LinesThatCannotBePrintedAreAnError) {
  ScriptedServer server(good);
  EXPECT_EQ(run_in_shell(server, "exec", {"--num-prompts", "2", "--quiet"}, " > /dev/full"), 1);
  EXPECT_THAT(err_, HasSubstr("cannot write to standard output: No space left on device"));
  EXPECT_TRUE(exists("r.json"));
}

TEST_F(BenchOutput, ResultThatIsNotAskedForIsMentioned) {
  ScriptedServer server(good);
  Program program(directory_.string(), {"sweep-bench", "--model", "m", "--base-url", server.url(),
                                        "--num-prompts", "2", "--result-filename", "x.json"});
  EXPECT_EQ(program.finish(), 0) << program.err();
  EXPECT_THAT(program.out(), HasSubstr("--result-filename without --save-result: no result will be written"));
}

TEST_F(BenchOutput, SignalThatWasIgnoredStaysIgnored) {
  // A shell without job control starts background jobs with SIGINT ignored.
  ScriptedServer server([](int number, const std::string&) {
    return number < 2 ? ScriptedResponse{kGood, false} : ScriptedResponse{{}, false};
  });
  auto line = command_line(server, {"--num-prompts", "3", "--max-concurrency", "1"});
  line[0] = SWEEP_BIN_DIR "/sweep-bench";
  std::string script = "trap '' INT; exec";
  for (const std::string& word : line)
    script += " " + shell_word(word);
  Program program(directory_.string(), {"/bin/sh", "-c", script});
  ASSERT_TRUE(server.await_requests(3));
  program.signal(SIGINT);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 128 + SIGTERM);
}

// ---- the command line

class BenchCommandLine : public BenchProgram {
 protected:
  std::string error(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"sweep-bench", "--model", "m"});
    Program program(directory_.string(), arguments);
    EXPECT_EQ(program.finish(), 2);
    return program.err();
  }
};

TEST_F(BenchCommandLine, SpellingsOfArgparseAreAccepted) {
  ScriptedServer server(good);
  EXPECT_EQ(
      run(server, {"--num_prompts", "9", "--max_conc", "2", "--num-p=4", "--random_range_ratio", "1.0"}), 0)
      << err_;
  EXPECT_EQ(result()["num_prompts"], 4) << "the last value counts";
  EXPECT_EQ(result()["max_concurrency"], 2);
}

TEST_F(BenchCommandLine, ErrorNamesOptionValueAndRemedy) {
  const std::string see = "; see sweep-bench --help\n";
  EXPECT_EQ(error({"--max_concurrency", "2", "--num-promts", "5", "--other"}),
            "sweep-bench: unknown option '--num-promts'; did you mean --num-prompts?" + see);
  EXPECT_EQ(error({"--num-prompts", "4", "--num-prompts", "1e2"}),
            "sweep-bench: --num-prompts 1e2: not a whole number; give 100" + see);
  EXPECT_EQ(error({"--num-prompts", "ten"}),
            "sweep-bench: --num-prompts ten: not a whole number; give digits only, such as 100" + see);
  EXPECT_EQ(error({"--seed", "-1"}).substr(0, 40), "sweep-bench: --seed -1: out of range; gi");
  EXPECT_EQ(error({"--burstiness", "x"}),
            "sweep-bench: --burstiness x: not a number; give one such as 0.5" + see);
  EXPECT_EQ(error({"--num", "5"}),
            "sweep-bench: ambiguous option '--num': it could be --num-prompts or --num-warmups" + see);
  EXPECT_EQ(error({"--num-prompts"}), "sweep-bench: --num-prompts: its value is missing" + see);
  EXPECT_EQ(error({"more"}), "sweep-bench: unexpected argument 'more'" + see);
  EXPECT_EQ(error({"--ready-timeout", "-5"}).substr(0, 34), "sweep-bench: --ready-timeout -5.00");
}

TEST_F(BenchCommandLine, WholeNumbersAreDecimal) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "010", "--max-concurrency", "1_0", "--seed", "+5"}), 0) << err_;
  EXPECT_EQ(result()["num_prompts"], 10);
  EXPECT_EQ(result()["max_concurrency"], 10);
}

TEST_F(BenchCommandLine, OptionsOfBenchmarkServingThatAreMissingAreRefusedByName) {
  EXPECT_THAT(error({"--dataset-path", "x"}),
              HasSubstr("--dataset-path is not supported: prompts are random"));
  EXPECT_THAT(error({"--lora_modules", "a", "b"}), HasSubstr("--lora-modules is not supported: "));
  EXPECT_THAT(error({"--use-beam-search"}), HasSubstr("--use-beam-search is not supported: "));
  EXPECT_THAT(error({"--profile"}), HasSubstr("--profile is not supported: "));
  EXPECT_THAT(error({"--dsv4"}), HasSubstr("give --use-chat-template"));
  EXPECT_THAT(error({"--max_concurrency", "2", "--temperature", "0.7", "--top-p", "0.9"}),
              HasSubstr("--temperature is not supported: give --extra-body '{\"temperature\": VALUE}'"));
}

}  // namespace
}  // namespace sweep::client
