// random-gguf: writes a model with random weights for llama.cpp (gguf_model.hpp). deploy/real-engine.sh uses it.
#include <cstdio>
#include <exception>
#include <string>

#include "benchmarks/gguf_model.hpp"
#include "util/command_line.hpp"
#include "util/os/output_file.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"

namespace sweep::bench {
namespace {

constexpr int kUsage = 2;

constexpr const char* kDescription =
    "Writes a model with random weights as a GGUF file, for trying an inference engine (llama.cpp) where no model "
    "can be downloaded. The output of such a model has no meaning. Equal options give equal files.";

constexpr const char* kClosing = R"(Exit status:
  0    the file is complete
  1    the file cannot be written
  2    invalid command line, or no model can have this shape

Examples:
  A small model, and one that takes more time per token:
    random-gguf small.gguf
    random-gguf --layers 16 --embedding 1024 --feed-forward 2752 large.gguf
)";

struct Options {
  ModelShape shape;
  std::string file;
  std::int64_t layers = shape.layers, embedding = shape.embedding, heads = shape.heads,
               kv_heads = shape.kv_heads, feed_forward = shape.feed_forward, vocabulary = shape.vocabulary,
               context = shape.context;
};

void add_options(CommandLine& app, Options& o) {
  const auto count = [&](const char* name, std::int64_t& value, const std::string& help) {
    app.option(name, value, help + " (default: " + std::to_string(value) + ")")
        .range(1, 10'000'000)
        .usage("N");
  };
  count("--layers", o.layers, "number of layers");
  count("--embedding", o.embedding, "width of the embedding");
  count("--heads", o.heads, "number of attention heads");
  count("--kv-heads", o.kv_heads, "number of heads of keys and values");
  count("--feed-forward", o.feed_forward, "width of the feed-forward layers");
  count("--vocabulary", o.vocabulary, "number of tokens; sweep-bench's default prompts need 32000");
  count("--context", o.context, "longest sequence, in tokens");
  app.option("--seed", o.shape.seed, "seed of the weights (default: 0)").usage("N");
  app.option("FILE", o.file, "file to write; an existing one is replaced").required();
}

ModelShape shape_of(const Options& o) {
  ModelShape shape = o.shape;
  shape.layers = static_cast<std::uint32_t>(o.layers);
  shape.embedding = static_cast<std::uint32_t>(o.embedding);
  shape.heads = static_cast<std::uint32_t>(o.heads);
  shape.kv_heads = static_cast<std::uint32_t>(o.kv_heads);
  shape.feed_forward = static_cast<std::uint32_t>(o.feed_forward);
  shape.vocabulary = static_cast<std::uint32_t>(o.vocabulary);
  shape.context = static_cast<std::uint32_t>(o.context);
  return shape;
}

int fail_with(int status, const Error& error) {
  std::fprintf(stderr, "random-gguf: %s\n", error.message.c_str());
  return status;
}

int write_model(const Options& o) {
  const ModelShape shape = shape_of(o);
  if (const auto good = check_shape(shape); !good) return fail_with(kUsage, good.error());
  if (const auto good = check_output_file(o.file); !good) return fail_with(1, good.error());
  OutputFile file(o.file);
  write_gguf(shape, [&](std::string_view bytes) { file.write(bytes); });
  if (const auto good = file.finish(); !good) return fail_with(1, good.error());
  return 0;
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  sweep::open_standard_streams();
  sweep::set_standard_dispositions();
  try {
    Options options;
    sweep::CommandLine app("random-gguf", kDescription, kClosing);
    add_options(app, options);
    if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
    return write_model(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "random-gguf: %s\n", error.what());
    return 1;
  }
}
