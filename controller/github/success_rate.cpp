#include "controller/github/success_rate.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::github {

namespace {

using Json = nlohmann::ordered_json;

std::string text_or_empty(const Json& dict, const char* key) {
  const Json* value = python::member(dict, key);
  return value == nullptr || value->is_null() ? "" : python::str_of(*value);
}

Expected<void> add_jobs(const Json& page, std::vector<Job>& out) {
  const Json* jobs = python::member(page, "jobs");
  if (jobs == nullptr || !jobs->is_array()) return fail("it has no list 'jobs'");
  for (const Json& job : *jobs) {
    if (const Json* name = python::member(job, "name"); name == nullptr || !name->is_string())
      return fail("job " + std::to_string(out.size() + 1) + " in 'jobs' has no 'name'");
    out.push_back({text_or_empty(job, "name"), text_or_empty(job, "conclusion")});
  }
  return {};
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool has_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_character(text[at - 1])) &&
        (end == text.size() || !is_word_character(text[end])))
      return true;
  }
  return false;
}

// Counts jobs whose name contains two labels, so that the first takes what may belong to the second.
class SharedJobs {
 public:
  void see(const std::string& name, const std::string& lower, std::size_t first,
           std::span<const std::string> labels) {
    for (std::size_t other = first + 1; other < labels.size(); ++other) {
      if (!has_word(lower, labels[other])) continue;
      Shared& shared = all_[{first, other}];
      if (shared.count++ == 0) shared.example = name;
    }
  }

  std::vector<std::string> notes(std::span<const std::string> labels) const {
    std::vector<std::string> out;
    for (const auto& [pair, shared] : all_)
      out.push_back(counted(shared.count, "job") + " counted for '" + printable(labels[pair.first]) +
                    "' may belong to '" + printable(labels[pair.second]) +
                    "', because the name contains both, such as '" + printable(shared.example) + "'");
    return out;
  }

 private:
  struct Shared {
    std::size_t count = 0;
    std::string example;
  };
  std::map<std::pair<std::size_t, std::size_t>, Shared> all_;
};

}  // namespace

Expected<WorkflowRun> workflow_run(const Json& file) {
  WorkflowRun out;
  if (file.is_array()) {
    for (const Json& page : file)
      SWEEP_TRY(add_jobs(page, out.jobs));
    return out;
  }
  SWEEP_TRY(add_jobs(file, out.jobs));
  if (python::member(file, "login") != nullptr) out.login = text_or_empty(file, "login");
  out.repository = text_or_empty(file, "repository");
  if (const Json* run = python::member(file, "run")) {
    out.id = text_or_empty(*run, "id");
    out.name = text_or_empty(*run, "name");
  }
  return out;
}

SuccessRates success_rates(std::span<const Job> jobs, std::span<const std::string> labels) {
  SuccessRates out;
  for (const std::string& label : labels)
    out.hardware.push_back({label});
  SharedJobs shared;
  for (const Job& job : jobs) {
    const std::string lower = ascii_lower(job.name);
    std::size_t first = 0;
    while (first < labels.size() && !has_word(lower, labels[first]))
      ++first;
    if (first == labels.size() || job.conclusion == "skipped") continue;
    ++out.hardware[first].tried;
    if (job.conclusion == "success") ++out.hardware[first].succeeded;
    shared.see(job.name, lower, first, labels);
  }
  out.notes = shared.notes(labels);
  return out;
}

std::string success_table(const SuccessRates& rates) {
  const std::string thick = std::string(60, '=') + "\n";
  std::string out = "\n" + thick + "Hardware Success Rates\n" + thick;
  const auto column = [](const std::string& text, std::size_t width) {
    return text + std::string(width - std::min(width, characters(text)), ' ');
  };
  const auto line = [&](const std::string& label, const std::string& success, const std::string& total,
                        const std::string& rate) {
    return column(label, 20) + " " + column(success, 10) + " " + column(total, 10) + " " + column(rate, 10);
  };
  out += line("Hardware", "Success", "Total", "Rate") + "\n" + std::string(60, '-') + "\n";
  for (const HardwareJobs& hardware : rates.hardware) {
    if (hardware.tried == 0) continue;
    std::array<char, 32> rate{};
    std::snprintf(rate.data(), rate.size(), "%.2f",
                  static_cast<double>(hardware.succeeded) / static_cast<double>(hardware.tried) * 100);
    out += line(printable(hardware.label), std::to_string(hardware.succeeded), std::to_string(hardware.tried),
                rate.data()) +
           "%\n";
  }
  return out + thick;
}

Json success_json(const SuccessRates& rates) {
  Json out = Json::object();
  for (const HardwareJobs& hardware : rates.hardware)
    out[hardware.label] = {{"n_success", hardware.succeeded}, {"total", hardware.tried}};
  return out;
}

}  // namespace sweep::github
