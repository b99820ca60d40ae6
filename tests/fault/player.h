// One of the processes of a World: carries out operations, notes what each would do in the chronicle, and checks what
// it was told or read.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/fault/scheduler.h"
#include "tests/fault/world.h"

namespace omnigraph::graph::testing {

class Player {
 public:
  Player(World& world, fault::Scheduler::Process& process, std::size_t number)
      : world_(world), process_(process), number_(number) {}

  // Calls `one` that often, as a new process after each death. The tag names the operation, and its commit by actor.
  using Operation = std::function<void(GraphStore& graph, int number, const std::string& tag)>;
  void play(int operations, const Operation& one);
  std::size_t up_to(std::size_t most) { return process_.random()() % (most + 1); }

  // The branch of the operations that follow.
  void turn_to(const std::string& branch);
  void age(GraphStore& graph, const std::string& tag, const std::string& who);
  void insert(GraphStore& graph, const std::string& tag, const std::string& who);
  void remove(GraphStore& graph, const std::string& tag, const std::string& who);
  // Everybody gets older in one commit, so that nobody is left where he was; then the old files are written anew.
  void replace_all(GraphStore& graph, const std::string& tag);
  void note(GraphStore& graph, const std::string& tag, const std::string& text);
  void edge(GraphStore& graph, const std::string& tag);
  // Makes its branch if need be.
  void load(GraphStore& graph, const std::string& tag, const std::string& one);
  void create(GraphStore& graph, const std::string& name, const std::string& from);
  void erase(GraphStore& graph, const std::string& name);
  // Only where it can be nothing but a fast-forward.
  void merge(GraphStore& graph, const std::string& tag, const std::string& source);
  void settle(GraphStore& graph);
  void read(GraphStore& graph);
  // As harsh as can be: the newest commit of each branch is kept.
  void clean(GraphStore& graph);

 private:
  [[nodiscard]] WriteOptions options(const std::string& tag) const { return {.branch = branch_, .actor = tag}; }
  // `refused`: what the state must have been like for the write to be refused or to change nothing.
  void answer(const std::string& tag, const Result<WriteOutcome>& told,
              std::function<bool(const std::optional<State>&)> refused);
  void claim(std::string text, std::function<bool(const std::optional<State>&)> holds);

  World& world_;
  fault::Scheduler::Process& process_;
  const std::size_t number_;
  std::string branch_;
  std::uint64_t least_ = 0;  // newest record of the branch that anybody was told of when the operation began
};

// Lets players 0, 1, .. of a world play against each other, `operations[number]` each; then checks what they were told
// and the final state.
using Move = std::function<void(Player& player, std::size_t number, GraphStore& graph, int at, const std::string& tag)>;
void play_all(World& world, fault::Scheduler& scheduler, const std::vector<int>& operations, const Move& move);

}  // namespace omnigraph::graph::testing
