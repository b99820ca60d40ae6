// What a random concurrent history must add up to: every record in the order of its effect, and the state after each,
// got by carrying out its operations one after the other on plain containers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/record.h"
#include "tests/graph/store_test_support.h"

namespace omnigraph::graph::testing {

class Chronicle {
 public:
  // Carries an operation out; false: it cannot have taken place on this state.
  using Effect = std::function<bool(State&)>;
  // `tag` is the actor of the commit.
  void plan(const std::string& tag, Effect effect) { effects_[tag] = std::move(effect); }

  // A record that came to be. Fails the test unless it continues its log and its commits fit the state before.
  void add(std::string_view key, std::span<const std::byte> bytes);

  // nullopt: no live branch after that record. The first record of all has the empty state.
  [[nodiscard]] std::optional<State> state_at(const std::string& branch, std::uint64_t seq) const;
  [[nodiscard]] std::uint64_t newest(const std::string& branch) const;
  [[nodiscard]] std::uint64_t first(const std::string& branch) const;
  // Id of the commit and sequence number of its record.
  [[nodiscard]] std::optional<std::pair<std::string, std::uint64_t>> commit_of(const std::string& tag) const;

  struct Entry {
    CommitRecord record;
    std::optional<State> state;
    std::int64_t born_us = 0;
  };
  using Log = std::map<std::uint64_t, Entry>;
  [[nodiscard]] const std::map<std::string, Log>& logs() const { return logs_; }
  void set_clock(const Clock& clock) { clock_ = &clock; }

 private:
  void check_place(const CommitRecord& record, const Entry* before) const;
  void carry_out(const CommitRecord& record, State& state);

  const Clock* clock_ = &system_clock();
  std::map<std::string, Effect> effects_;
  std::map<std::string, std::pair<std::string, std::uint64_t>> commits_;  // by tag
  std::map<std::string, Log> logs_;
};

}  // namespace omnigraph::graph::testing
