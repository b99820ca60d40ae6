// Runs tests/conformance/*.test against the embedded engine: as written, and with the graph opened anew before every
// step. `--rewrite` puts the actual results of queries into the files. Last line: `N passed, N failed`.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "api/answers.h"
#include "columnar/scalar.h"
#include "engine/graph.h"
#include "objectstore/object_store.h"
#include "tests/conformance/case_file.h"

namespace omnigraph::conformance {
namespace {

enum class Mode { kAsWritten, kReopened };
const char* mode_name(Mode mode) { return mode == Mode::kAsWritten ? "embedded" : "reopened"; }

// What the step before a verdict did.
struct Outcome {
  bool ran = false;
  std::optional<Error> error;
  std::string rows;  // text form of a query's answer
  bool ordered = false;
  std::string changed;  // of a mutation
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string rows_text(const exec::ReadResult& result, bool ordered) {
  std::string head;
  for (const std::string& column : result.columns) head += (head.empty() ? "" : " | ") + column;
  std::vector<std::string> rows;
  for (std::int64_t row = 0; row < result.rows.length; ++row) {
    std::string text;
    for (std::size_t c = 0; c < result.columns.size(); ++c) {
      if (c != 0) text += " | ";
      columnar::append_json(text, *result.rows.columns[c], row);
    }
    rows.push_back(std::move(text));
  }
  if (!ordered) std::ranges::sort(rows);
  std::string out = head + "\n";
  for (const std::string& row : rows) out += row + "\n";
  return out;
}

// The expected rows in comparable form: the column line, then the rows, sorted like the actual ones.
std::string normalized(const std::string& body, bool ordered) {
  std::vector<std::string> lines = lines_of(body);
  for (std::string& line : lines) {
    while (line.ends_with(' ')) line.pop_back();
  }
  if (!ordered && lines.size() > 1) std::sort(lines.begin() + 1, lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// Each line must occur in the text, after the one before it.
std::string missing_line(const std::string& text, const std::string& wanted) {
  std::size_t at = 0;
  for (const std::string& line : lines_of(wanted)) {
    std::string bare = line;
    const std::size_t first = bare.find_first_not_of(' ');
    bare = first == std::string::npos ? "" : bare.substr(first);
    const std::size_t found = text.find(bare, at);
    if (found == std::string::npos) return line;
    at = found + bare.size();
  }
  return {};
}

class FileRun {
 public:
  FileRun(CaseFile& file, Mode mode, bool rewrite) : file_(file), mode_(mode), rewrite_(rewrite) {}

  void run() {
    for (const Step& step : file_.steps) {
      if (step.word == "rows" || step.word == "changed" || step.word == "error") {
        judge(step);
        outcome_.ran = false;
        continue;
      }
      finish_step();
      pending_ = &step;
      if (mode_ == Mode::kReopened && graph_) reopen();
      outcome_ = Outcome{true, {}, {}, false, {}};
      if (const Result<void> done = execute(step); !done) outcome_.error = done.error();
    }
    finish_step();
    if (!rewritten_.empty()) rewrite_case_file(file_, rewritten_);
  }

  std::size_t passed = 0;
  std::size_t failed = 0;

 private:
  // A step without a verdict must succeed.
  void finish_step() {
    if (!outcome_.ran) return;
    outcome_.ran = false;
    if (outcome_.error) {
      fail(*pending_, "must succeed, but: " + outcome_.error->render());
    } else {
      ++passed;
    }
  }

  void fail(const Step& step, const std::string& why) {
    ++failed;
    std::cout << file_.path << ":" << step.line + 1 << " [" << mode_name(mode_) << "] " << step.word << ": " << why
              << "\n";
  }

  void judge(const Step& step) {
    if (!outcome_.ran) return fail(step, "no step before this verdict");
    if (step.word == "error") return judge_error(step);
    if (outcome_.error) return fail(step, "the step failed: " + outcome_.error->render());
    const bool rows = step.word == "rows";
    const std::string actual = rows ? outcome_.rows : outcome_.changed;
    const std::string wanted =
        rows ? normalized(step.body, outcome_.ordered) : (step.arguments.empty() ? step.body : step.arguments + "\n");
    if (actual == wanted) {
      ++passed;
    } else if (rewrite_ && rows) {
      rewritten_.emplace_back(step.line, actual);
      ++passed;
    } else {
      fail(step, "expected\n" + wanted + "got\n" + actual);
    }
  }

  void judge_error(const Step& step) {
    if (!outcome_.error) return fail(step, "expected an error, got\n" + outcome_.rows + outcome_.changed);
    const std::string code(code_name(outcome_.error->code));
    const std::string text = outcome_.error->render();
    if (!step.arguments.empty() && code != step.arguments) {
      return fail(step, "expected code " + step.arguments + ", got " + code + ": " + text);
    }
    if (const std::string missing = missing_line(text, step.body); !missing.empty()) {
      return fail(step, "the error lacks\n" + missing + "\nin\n" + text);
    }
    ++passed;
  }

  void reopen() {
    graph_->storage().drain();
    graph_.reset();
    auto opened = engine::Graph::open_on(store_, "memory");
    if (opened) graph_ = std::move(*opened);
  }

  Result<void> execute(const Step& step) {
    if (step.word == "schema") {
      store_ = objectstore::make_memory_store();
      graph_.reset();
      OG_ASSIGN_OR_RETURN(graph_, engine::Graph::init_on(store_, "memory", step.body));
      return {};
    }
    if (!graph_) return std::unexpected(bad_request("no schema step before '" + step.word + "'"));
    if (step.word == "load") return load(step);
    if (step.word == "query") return query(step);
    if (step.word == "mutate") return mutate(step);
    if (step.word == "branch") return branch(step);
    if (step.word == "reopen") {
      reopen();
      return {};
    }
    return std::unexpected(bad_request("unknown step '" + step.word + "'"));
  }

  Result<void> load(const Step& step) {
    std::istringstream words(step.arguments);
    std::string mode, branch;
    words >> mode >> branch;
    engine::LoadRequest request;
    const auto parsed = engine::load_mode_of(mode);
    if (!parsed) return std::unexpected(bad_request("unknown load mode '" + mode + "'"));
    request.mode = *parsed;
    if (!branch.empty()) request.branch = branch;
    std::size_t at = 0;
    OG_RETURN_IF_ERROR(graph_->load(
        [&](std::span<std::byte> out) -> Result<std::size_t> {
          const std::size_t count = std::min(out.size(), step.body.size() - at);
          std::memcpy(out.data(), step.body.data() + at, count);
          at += count;
          return count;
        },
        request));
    return {};
  }

  Result<void> query(const Step& step) {
    engine::ReadTarget target;
    if (!step.branch.empty()) target.branch = step.branch;
    OG_ASSIGN_OR_RETURN(const auto bound, graph_->compile(step.body, "", step.branch.empty() ? "main" : step.branch));
    OG_ASSIGN_OR_RETURN(const auto answer, graph_->query(step.body, "", step.arguments, target));
    outcome_.ordered = bound->read && !bound->read->order.empty();
    outcome_.rows = rows_text(answer.result, outcome_.ordered);
    return {};
  }

  Result<void> mutate(const Step& step) {
    engine::MutateRequest request;
    if (!step.branch.empty()) request.branch = step.branch;
    OG_ASSIGN_OR_RETURN(const auto answer, graph_->mutate(step.body, "", step.arguments, request));
    outcome_.changed =
        "nodes " + std::to_string(answer.affected_nodes) + " edges " + std::to_string(answer.affected_edges) + "\n";
    return {};
  }

  Result<void> branch(const Step& step) {
    std::istringstream words(step.arguments);
    std::string name, from_word, from = "main";
    words >> name >> from_word >> from;
    return graph_->create_branch(name, from_word.empty() ? "main" : from);
  }

  CaseFile& file_;
  const Mode mode_;
  const bool rewrite_;
  std::shared_ptr<objectstore::ObjectStore> store_;
  std::shared_ptr<engine::Graph> graph_;
  const Step* pending_ = nullptr;
  Outcome outcome_;
  std::vector<std::pair<std::size_t, std::string>> rewritten_;
};

int run(int argc, char** argv) {
  namespace fs = std::filesystem;
  bool rewrite = false;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--rewrite") {
      rewrite = true;
    } else if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::directory_iterator(argv[i])) {
        if (entry.path().extension() == ".test") paths.push_back(entry.path().string());
      }
    } else {
      paths.emplace_back(argv[i]);
    }
  }
  std::ranges::sort(paths);
  if (paths.empty()) {
    std::cerr << "usage: conformance_runner [--rewrite] FILE.test | FOLDER ...\n";
    return 2;
  }
  std::size_t passed = 0, failed = 0;
  for (const std::string& path : paths) {
    for (const Mode mode : {Mode::kAsWritten, Mode::kReopened}) {
      CaseFile file = read_case_file(path);
      FileRun one(file, mode, rewrite && mode == Mode::kAsWritten);
      one.run();
      passed += one.passed;
      failed += one.failed;
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace omnigraph::conformance

int main(int argc, char** argv) {
  try {
    return omnigraph::conformance::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
