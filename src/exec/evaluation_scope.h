// Memory of values that an expression makes instead of borrowing them: joined strings, the lists of a path. They live
// in an arena of the thread until the innermost scope that was open when they were made closes, so that a Value stays a
// plain view and an expression over columns costs nothing. Whoever evaluates opens a scope around the use of the
// values: one for a row, a comparison or a batch. Thread safety: an arena for each thread; scopes nest like calls.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "columnar/scalar.h"

namespace omnigraph::exec {

class EvaluationScope {
 public:
  EvaluationScope() : texts_(arena().texts.size()), lists_(arena().lists.size()) {}
  ~EvaluationScope() {
    Arena& a = arena();
    while (a.texts.size() > texts_) a.texts.pop_back();
    while (a.lists.size() > lists_) a.lists.pop_back();
  }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

  static std::string_view keep(std::string text) { return arena().texts.emplace_back(std::move(text)); }
  static const columnar::ScalarList* keep(columnar::ScalarList list) {
    return &arena().lists.emplace_back(std::move(list));
  }

 private:
  struct Arena {  // Deques: what is handed out does not move.
    std::deque<std::string> texts;
    std::deque<columnar::ScalarList> lists;
  };
  static Arena& arena() {
    thread_local Arena arena;
    return arena;
  }
  const std::size_t texts_;
  const std::size_t lists_;
};

}  // namespace omnigraph::exec
