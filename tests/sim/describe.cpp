#include "tests/sim/describe.hpp"

#include "tests/sim/checker.hpp"

namespace sweep::sim {

namespace {

std::string name(const agent::Connected&) {
  return "connected";
}
std::string name(const agent::Disconnected&) {
  return "disconnected";
}
std::string name(const agent::Refused&) {
  return "refused";
}
std::string name(const agent::Received& what) {
  return describe(what.message);
}
std::string name(const agent::Undecodable&) {
  return "undecodable";
}
std::string name(const agent::Prepared& what) {
  return "prepared " + name_of(what.ref);
}
std::string name(const agent::NotPrepared& what) {
  return "not prepared " + name_of(what.ref) + ": " + what.reason;
}
std::string name(const agent::ProcessStarted& what) {
  return "started " + name_of(what.ref);
}
std::string name(const agent::StartFailed& what) {
  return "start failed " + name_of(what.ref);
}
std::string name(const agent::Output& what) {
  return "output of " + name_of(what.ref);
}
std::string name(const agent::SetupFailed& what) {
  return "set-up failed " + name_of(what.ref);
}
std::string name(const agent::StageReported&) {
  return "stage report";
}
std::string name(const agent::LeaderExited& what) {
  return "leader of " + name_of(what.ref) + " ended, " +
         (what.how.code ? "status " + std::to_string(*what.how.code)
                        : "signal " + std::to_string(what.how.signal.value_or(0)));
}
std::string name(const agent::GroupGone& what) {
  return "group of " + name_of(what.ref) + " gone";
}
std::string name(const agent::ResultRead& what) {
  return "result of " + name_of(what.ref) + (what.stamp ? " read: '" + what.bytes + "'" : " does not exist");
}
std::string name(const agent::GpuMetricsLeft& what) {
  return "gpu_metrics.csv of " + name_of(what.ref);
}
std::string name(const agent::FilesCollected& what) {
  return std::to_string(what.files.size()) + " files of " + name_of(what.ref);
}
std::string name(const agent::PieceRead& what) {
  return "piece of " + name_of(what.piece.ref) + ": " + what.piece.problem;
}
std::string name(const agent::Spooled& what) {
  return "spooled " + name_of(what.ref);
}
std::string name(const agent::Adopted& what) {
  return "adopted " + name_of(what.finished.ref) + " of " + what.finished.of;
}
std::string name(const agent::ServerAnswered& what) {
  return "answer of " + name_of(what.ref) + ": " + std::to_string(what.status);
}
std::string name(const agent::JobEndKnown& what) {
  return what.end ? "end of job known" : "end of job unknown";
}
std::string name(const agent::NodeKnown&) {
  return "node known";
}
std::string name(const agent::GpuReported&) {
  return "GPU report";
}
std::string name(const agent::Signalled& what) {
  return "signal " + std::to_string(what.signal);
}
std::string name(const agent::Suspended& what) {
  return "suspended for " + std::to_string(what.length.count()) + " ms";
}
std::string name(const agent::Tick&) {
  return "tick";
}

}  // namespace

std::string describe(const agent::Input& input) {
  return std::visit([](const auto& what) { return name(what); }, input);
}

std::string describe(const wire::Message& message) {
  const std::string type(wire::type_name(message));
  if (const auto* m = std::get_if<wire::Lease>(&message)) return type + " " + name_of(m->ref);
  if (const auto* m = std::get_if<wire::Started>(&message)) return type + " " + name_of(m->ref);
  if (const auto* m = std::get_if<wire::Progress>(&message))
    return type + " " + name_of(m->ref) + " " + m->phase;
  if (const auto* m = std::get_if<wire::Finished>(&message))
    return type + " " + name_of(m->ref) + " " + sweep::describe(m->outcome) +
           (m->of.empty() ? "" : " of " + m->of) + ", " + std::to_string(m->files.size()) + " files";
  if (const auto* m = std::get_if<wire::Settled>(&message))
    return type + " " + name_of(m->ref) + (m->accepted ? " accepted" : "");
  if (const auto* m = std::get_if<wire::Fetch>(&message))
    return type + " " + name_of(m->ref) + " " + std::to_string(m->file) + " at " + std::to_string(m->offset);
  if (const auto* m = std::get_if<wire::Piece>(&message))
    return type + " " + name_of(m->ref) + " " + std::to_string(m->file) + " at " + std::to_string(m->offset) +
           " " + m->problem;
  if (const auto* m = std::get_if<wire::Cancel>(&message))
    return type + " " + name_of(m->ref) + ": " + m->reason;
  if (const auto* m = std::get_if<wire::Drain>(&message))
    return type + (m->complete ? " complete" : "") + " " + m->reason;
  if (const auto* m = std::get_if<wire::Reject>(&message)) return type + ": " + m->reason;
  if (const auto* m = std::get_if<wire::Goodbye>(&message)) return type + ": " + m->reason;
  return type;
}

}  // namespace sweep::sim
