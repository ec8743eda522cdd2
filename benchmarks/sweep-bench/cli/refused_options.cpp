#include "benchmarks/sweep-bench/cli/refused_options.hpp"

#include <array>

namespace sweep::client {

namespace {

constexpr std::string_view kData =
    "prompts are random tokens; remove it and give --random-input-len and --random-output-len";
constexpr std::string_view kRamp = "the request rate is constant; give --request-rate";

}  // namespace

std::span<const RefusedOption> refused_options() {
  static constexpr auto kAll = std::to_array<RefusedOption>({
      {"--append-result", "a file holds one result; give each run its own --result-filename"},
      {"--custom-output-len", kData},
      {"--custom-skip-chat-template", kData},
      {"--dataset", kData},
      {"--dataset-path", kData},
      {"--dsv4", "there is no tokenizer; give --use-chat-template, and the server applies its own template"},
      {"--frequency-penalty", R"(give --extra-body '{"frequency_penalty": VALUE}')"},
      {"--header", "only the token in the environment variable OPENAI_API_KEY is sent as a header"},
      {"--hf-name", kData},
      {"--hf-output-len", kData},
      {"--hf-split", kData},
      {"--hf-subset", kData},
      {"--input-len", "give --random-input-len"},
      {"--insecure", "TLS is not supported; give the server's http address with --base-url"},
      {"--label", "give --metadata label=NAME"},
      {"--lora-modules", "one model is measured; give the name of one adapter with --model"},
      {"--min-p", R"(give --extra-body '{"min_p": VALUE}')"},
      {"--no-oversample", kData},
      {"--no-stream", "TTFT and ITL can only be measured with streamed responses; remove it"},
      {"--output-len", "give --random-output-len"},
      {"--presence-penalty", R"(give --extra-body '{"presence_penalty": VALUE}')"},
      {"--profile", "the server's profiler is not controlled; start it yourself (POST /start_profile)"},
      {"--ramp-up-end-rps", kRamp},
      {"--ramp-up-start-rps", kRamp},
      {"--ramp-up-strategy", kRamp},
      {"--repetition-penalty", R"(give --extra-body '{"repetition_penalty": VALUE}')"},
      {"--request-id-prefix", "requests have no ids of the client; remove it"},
      {"--sharegpt-output-len", kData},
      {"--skip-chat-template", "completions have no chat template; remove it"},
      {"--sonnet-input-len", kData},
      {"--sonnet-output-len", kData},
      {"--sonnet-prefix-len", kData},
      {"--temperature", R"(give --extra-body '{"temperature": VALUE}'; the default is 0)"},
      {"--top-k", R"(give --extra-body '{"top_k": VALUE}')"},
      {"--top-p", R"(give --extra-body '{"top_p": VALUE}')"},
      {"--use-beam-search", "beams have no single stream of tokens whose times could be measured; remove it"},
  });
  return kAll;
}

}  // namespace sweep::client
