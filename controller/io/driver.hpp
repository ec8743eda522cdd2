// The controller's driver: carries what agents say to the core, and what the core decides to the journal, the
// agents, the files and the terminal.
//
// Rules: it decides nothing. One round is: take what is there to read, decide all of it, commit all of it in
// one transaction, and only then let messages, lines and files out. Events that let nothing out (an attempt
// has started) wait for the next round that does, or a moment, so that they cost no fsync of their own. When
// the journal cannot be written nothing goes out, and so nothing is leased or acknowledged, until it can. One
// that was deleted never can: then the sweep is stopped.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/io/admission.hpp"
#include "controller/io/console.hpp"
#include "controller/io/log.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/recent.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/journal/journal.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"

namespace sweep {

/// A sweep that is to be run: new, resumed, or taken over. See opening.hpp.
struct OpenedSweep {
  Sweep sweep;
  journal::Journal journal;
  KeyPair server_keys, client_keys;
  std::optional<Admission::By> admits =
      {};  // as the controller before has found out; nothing: to be found out
};

/// What an agent needs to take part.
struct Access {
  std::string endpoint;       // tcp://host:port
  std::string server_key;     // Z85
  std::string client_secret;  // Z85
};

/// How long agents may take to end what they run, beyond what a benchmark that ignores SIGTERM needs.
inline constexpr Millis kStopMargin{5'000};

class Driver {
 public:
  /// Writes the matrix and listens: on `listening`, or where that is none, on a port of its own. Fails,
  /// naming the file or the address. Signals that the caller reads must be blocked before.
  static Expected<std::unique_ptr<Driver>> open(OpenedSweep entry, const std::string& directory,
                                                Console& console, Fd listening = Fd());
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  const Access& access() const { return access_; }
  const Sweep& sweep() const { return sweep_; }
  journal::Journal& journal() { return journal_; }
  const std::string& directory() const { return directory_; }
  DirectoryWatch::Place place() const { return footing_.place(); }
  /// For the caller to watch what it has beside the agents: signals, pipes, children.
  EventLoop& loop() { return loop_; }

  /// No new leases; running attempts are cancelled; after `patience` the sweep ends without their agents. A
  /// second call may shorten the patience.
  void stop(const std::string& reason, Millis patience);
  /// The sweep is over and all is written: nobody is to look for this controller, or to take its place.
  void retire() const;
  /// Nobody is left to listen: run() does not wait for goodbyes.
  void expect_nobody() { expects_agents_ = false; }

  /// Runs until the sweep has ended and its agents have left. False when it had to give up with decisions
  /// that the journal did not take.
  bool run();

 private:
  struct Sender {
    std::string peer, agent;
  };

  Driver(OpenedSweep entry, std::string directory, Console& console);
  Expected<void> choose_admission(std::optional<Admission::By> admits);
  /// The profile as one that takes over is to find it: with the answer where `auth` left it open.
  profile::Profile profile_for_next() const;
  Expected<void> listen(Fd listening);

  std::optional<Instant> deadline() const;
  bool over();
  bool given_up();
  bool everybody_left() const;
  void take_messages();
  void take(Incoming incoming);
  bool serves(const std::string& peer, const Admission::Verdict& verdict);
  void take_stop(const std::string& peer, const wire::StopRequest& request);
  void answer_status(const std::string& peer);
  void take_fault(const std::string& peer, const wire::DecodeError& error);
  void take_hello(const std::string& peer, const std::string& connection, const wire::Hello& hello);
  bool admits(const std::string& peer, const std::string& connection, const wire::Hello& hello);
  void take_waiting_hellos();
  void take_from(const Sender& sender, const wire::Message& message, std::string& bulk);
  void take_log(const Sender& sender, const wire::LogChunk& chunk, const std::string& bytes);
  void take_progress(const Sender& sender, const wire::Progress& progress);
  void take_job(const Sender& sender, const wire::Ready& ready);
  std::optional<std::vector<std::string>> served_by(const Sender& sender, const wire::Ready& ready) const;
  void complete(const Sender& holder, int index, Account& account) const;
  void take_finished(const Sender& sender, const wire::Finished& finished, std::string& bulk);
  bool runs(const Sender& sender, const wire::AttemptRef& ref) const;

  core::Decision advance(const core::Command& command);
  void keep(core::Decision decision);
  void witness(const core::Event& event);
  void settle();
  bool commit();
  void lose();
  void let_out();
  void send(const core::Effect& effect);
  void send_to_agent(const std::string& agent, const wire::Message& message);
  void queue_files();
  void write_files();
  void complain_once(const std::string& problem);
  void draw();
  void let_go();

  Sweep sweep_;
  KeyPair server_keys_, client_keys_;
  std::string directory_;
  DirectoryWatch footing_;
  Console& console_;
  journal::Journal journal_;
  Log log_;
  zmq::context_t context_;
  std::optional<KeyAuthenticator> doorman_;
  std::optional<ServerSocket> socket_;
  std::optional<HandshakeWatch> handshakes_;
  std::optional<Admission> admission_;
  WaitingHellos waiting_hellos_;
  EventLoop loop_;
  Access access_;

  // A peer chooses its routing id, and may choose another's; the number of its connection is the Doorman's.
  // An agent is sent to by the first, and known by the second.
  std::map<std::string, std::string> peer_of_, connection_of_;  // of agents
  std::map<std::string, std::string> agent_of_;                 // by connection
  Recent rejected_peers_{10'000};                               // told once that they make no sense
  std::set<std::string> departed_;                              // agents that have said Goodbye

  journal::Batch batch_;                                             // decided, not committed
  std::vector<core::Effect> outbox_;                                 // to be sent once that is committed
  std::vector<std::string> lines_;                                   // to be shown then
  std::map<std::string, std::pair<std::string, std::string>> jobs_;  // wire::Ready's sharing and slurm
  std::string* raw_ = nullptr;        // the result file that the command under decision brought
  Processed processed_;               // what processed() made of it
  std::vector<Processed> documents_;  // of batch_.results, in their order
  /// Files of results that are in the journal, for when there is nothing else to do.
  struct ResultFiles {
    std::string name;  // RESULT_FILENAME
    std::string raw;
    Processed processed;  // its record is completed when it is written: that needs time and room
    core::AttemptRef ref;
  };
  std::deque<ResultFiles> files_;
  std::size_t file_bytes_ = 0;           // of the raw ones in files_
  bool heard_ = false;                   // something came in this round
  std::optional<Instant> commit_by_;     // for a batch that lets nothing out
  std::optional<Instant> retry_at_;      // after a commit that failed
  std::optional<Instant> linger_until_;  // for the goodbyes
  std::optional<Instant> give_up_at_;    // a journal that takes nothing, when nobody is left
  bool expects_agents_ = true, hurried_ = false;
  bool lost_ = false;  // the journal was deleted
  std::set<std::string> complaints_;
};

}  // namespace sweep
