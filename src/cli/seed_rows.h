// The rows of a file on their way through `embed`: which are selected, what text they have, and the vector put into
// them; key order and number text stay (chapter 04 section 7). Thread safety: none.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/seed_spec.h"
#include "embed/text_embedder.h"

namespace omnigraph::cli {

enum class SeedMode { kFillMissing, kReembedSelected, kReembedAll, kClean };
[[nodiscard]] std::string_view seed_mode_name(SeedMode mode);

struct SeedChoice {
  SeedMode mode = SeedMode::kFillMissing;
  std::set<std::string, std::less<>> types;  // empty: all
  std::vector<SeedSelector> selectors;       // any of them; empty: all
};

struct SeedCounts {
  std::uint64_t records = 0, selected = 0, embedded = 0, cleaned = 0;
};

class SeedRows {
 public:
  using Sink = std::function<Result<void>(std::string_view)>;
  using MakeEmbedder = std::function<Result<std::shared_ptr<embed::TextEmbedder>>()>;  // at the first text

  SeedRows(const SeedSpec& spec, const SeedChoice& choice, MakeEmbedder make_embedder, Sink sink)
      : spec_(spec), choice_(choice), make_embedder_(std::move(make_embedder)), sink_(std::move(sink)) {}

  // The next line of the input, without its end. Rows reach the sink in order, some of them later.
  [[nodiscard]] Result<void> add(std::string_view line);
  // What is still held back.
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] const SeedCounts& counts() const { return counts_; }

 private:
  // A row, cut where its vector goes.
  struct Held {
    std::string before, after;
    bool embedded = false;
  };
  [[nodiscard]] Result<void> add_record(const std::string& compact, std::string_view type, std::string_view data);
  [[nodiscard]] bool is_selected(std::string_view type, std::string_view data) const;
  [[nodiscard]] Result<void> hold(Held row);
  [[nodiscard]] Error at_line(const std::string& what) const;

  const SeedSpec& spec_;
  const SeedChoice& choice_;
  const MakeEmbedder make_embedder_;
  const Sink sink_;
  std::shared_ptr<embed::TextEmbedder> embedder_;
  std::uint64_t line_ = 0;
  std::vector<Held> held_;
  std::vector<std::string> texts_;         // of held_ rows that are embedded, in order
  std::vector<std::uint64_t> text_lines_;  // of the input, for each text
  std::size_t held_bytes_ = 0;
  SeedCounts counts_;
};

// A JSON value as text: strings trimmed, lists joined by ", ", null and absent ones empty.
[[nodiscard]] std::string rendered_value(std::string_view json);

}  // namespace omnigraph::cli
