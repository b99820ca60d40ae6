// What every code of the product means: `omnigraph explain CODE` (chapter 13 section 2). A code that the sources know
// needs a row in one of the tables; tests/e2e/test_cli_explain.py compares the two. Thread safety: constants.
#pragma once

#include <span>
#include <string_view>

namespace omnigraph::cli {

enum class Family { kErrorCode, kErrorDetail, kMergeConflict, kTypeError, kMigration, kLint, kFinding, kReason };

// Whether something changed before it was told.
enum class Written { kNothing, kUnknown, kReported };
// Whether the same command again can do better.
enum class Retry { kAfterMending, kAtOnce, kLater };

struct Explanation {
  std::string_view code;
  Family family;
  Written written;
  Retry retry;
  std::string_view cause, fix, example;  // sentences; the example is a line that meets it
};

// One table a file.
[[nodiscard]] std::span<const Explanation> error_explanations();     // error codes, details, merge conflicts
[[nodiscard]] std::span<const Explanation> language_explanations();  // type errors, migrations, lint
[[nodiscard]] std::span<const Explanation> finding_explanations();   // findings of declarations and catalogs
[[nodiscard]] std::span<const Explanation> cluster_explanations();   // findings of state, plans, operations, boot

}  // namespace omnigraph::cli
