// commit changes, changes poll, changes baseline.

#include "cli/commands_changes.h"

#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>

#include "api/change_answers.h"
#include "cli/baseline_file.h"
#include "cli/change_pages.h"
#include "cli/interrupt.h"
#include "cli/json_document.h"
#include "client/raw_json.h"

namespace omnigraph::cli {

namespace {

struct ChangeArguments {
  std::vector<std::string> words;  // commit changes: the id, in older scripts behind the graph
  std::string uri, branch, out;
  std::optional<std::string> cursor, start, page_token, limit;
  engine::ChangeFilter filter;
  bool json = false, follow = false;
  double interval_s = 1;
};

std::string text_of(std::string_view json, std::string_view member) {
  return client::json_string(client::json_member(json, member)).value_or(std::string());
}

// `ID authored_branch=B authored_at=T[ actor=A]`, as `commit list` has it.
std::string cause_line(const std::string& cause) {
  std::string line = text_of(cause, "graph_commit_id") + " authored_branch=" + text_of(cause, "authored_branch") +
                     " authored_at=" + std::string(client::json_member(cause, "authored_at"));
  if (const std::string actor = text_of(cause, "actor_id"); !actor.empty()) line += " actor=" + actor;
  return line + "\n";
}

std::string change_line(const std::string& change) {
  const std::string_view type = client::json_member(change, "type");
  std::string line = " ";
  for (const std::string& word :
       {text_of(change, "op"), text_of(change, "kind"), text_of(type, "name"), text_of(change, "id")}) {
    line.append(" ").append(word);
  }
  return line.append("\n");
}

Result<std::size_t> limit_of(const ChangeArguments& arguments) {
  if (!arguments.limit) return engine::kChangesPerPage;
  return engine::change_limit_of(*arguments.limit);
}

Result<engine::CommitChangesRequest> commit_request(const ChangeArguments& arguments) {
  engine::CommitChangesRequest request{.commit_id = arguments.words.back()};
  request.filter = arguments.filter;
  request.page_token = arguments.page_token;
  OG_ASSIGN_OR_RETURN(request.limit, limit_of(arguments));
  return request;
}

Result<engine::ChangePollRequest> poll_request(const ChangeArguments& arguments) {
  engine::ChangePollRequest request;
  request.cursor = arguments.cursor;
  request.start = arguments.start;
  request.filter = arguments.filter;
  OG_ASSIGN_OR_RETURN(request.limit, limit_of(arguments));
  return request;
}

// All pages of a commit as one document, or the lines of its text form.
Result<void> run_commit_changes(Context& context, ChangeArguments& arguments) {
  std::string id;
  OG_RETURN_IF_ERROR(take_commit_words(arguments.words, arguments.uri, id));
  OG_ASSIGN_OR_RETURN(engine::CommitChangesRequest request, commit_request(arguments));
  OG_ASSIGN_OR_RETURN(DataTarget target, context.open_data(arguments.uri, {.label = "commit changes"}));
  ChangePages pages(std::move(target));
  HeldOutput out;
  JsonItems changes(out, 2);
  for (bool first = true;; first = false) {
    OG_ASSIGN_OR_RETURN(const CommitPageText page, pages.commit(request));
    if (arguments.page_token && arguments.json) {
      print_json(page.body);
      return {};
    }
    if (first) {
      if (arguments.json) {
        out.append(
            std::string("{\n  \"cause\": ").append(indented_json(page.block.cause, 2)).append(",\n  \"changes\": "));
        changes.begin();
      } else {
        out.append(cause_line(page.block.cause));
      }
    }
    for (const std::string& change : page.block.changes) {
      if (arguments.json) {
        changes.add(change);
      } else {
        out.append(change_line(change));
      }
    }
    request.page_token = page.next_page_token;
    if (arguments.page_token && request.page_token) {
      out.append(std::string("next_page_token: ").append(*request.page_token).append("\n"));
    }
    if (arguments.page_token || !request.page_token) break;
  }
  if (arguments.json) {
    changes.end();
    out.append("\n}\n");
  }
  out.flush();
  return {};
}

// Receives a poll's blocks, each once and whole, however they were cut into pages.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  virtual void begin(const std::string& cause) = 0;
  virtual void change(const std::string& json) = 0;
  virtual void end() = 0;
};

struct PollEnd {
  std::string cursor;
  bool caught_up = false;
};

// One poll with all its pages.
Result<PollEnd> read_poll(ChangePages& pages, engine::ChangePollRequest request, BlockSink& sink) {
  bool open = false;
  while (true) {
    OG_ASSIGN_OR_RETURN(const PollPageText page, pages.poll(request));
    for (std::size_t i = 0; i < page.blocks.size(); ++i) {
      if (!open) sink.begin(page.blocks[i].cause);
      for (const std::string& change : page.blocks[i].changes) sink.change(change);
      open = page.next_page_token && i + 1 == page.blocks.size();
      if (!open) sink.end();
    }
    if (page.cursor) return PollEnd{*page.cursor, page.caught_up};
    request.cursor.reset();
    request.start.reset();
    request.page_token = page.next_page_token;
  }
}

class DocumentBlocks final : public BlockSink {
 public:
  explicit DocumentBlocks(HeldOutput& out) : out_(out), blocks_(out, 2), changes_(out, 6) {
    out_.append("{\n  \"blocks\": ");
    blocks_.begin();
  }
  void begin(const std::string& cause) override {
    blocks_.add_place();
    out_.append(std::string("{\n      \"cause\": ").append(indented_json(cause, 6)).append(",\n      \"changes\": "));
    changes_.begin();
  }
  void change(const std::string& json) override { changes_.add(json); }
  void end() override {
    changes_.end();
    out_.append("\n    }");
  }
  void finish(const PollEnd& end) {
    blocks_.end();
    std::string cursor;
    base::append_json_string(cursor, end.cursor);
    out_.append(std::string(",\n  \"cursor\": ").append(cursor));
    out_.append(end.caught_up ? ",\n  \"caught_up\": true\n}\n" : ",\n  \"caught_up\": false\n}\n");
  }

 private:
  HeldOutput& out_;
  JsonItems blocks_, changes_;
};

class TextBlocks final : public BlockSink {
 public:
  explicit TextBlocks(HeldOutput& out) : out_(out) {}
  void begin(const std::string& cause) override {
    any_ = true;
    out_.append(cause_line(cause));
  }
  void change(const std::string& json) override { out_.append(change_line(json)); }
  void end() override {}
  void finish(const PollEnd& end) {
    if (!any_) out_.append("(no new commits)\n");
    out_.append(std::string("cursor: ").append(end.cursor));
    out_.append(end.caught_up ? "\ncaught_up: true\n" : "\ncaught_up: false\n");
  }

 private:
  HeldOutput& out_;
  bool any_ = false;
};

template <class Blocks>
Result<void> print_poll(ChangePages& pages, const engine::ChangePollRequest& request) {
  HeldOutput out;
  Blocks blocks(out);
  OG_ASSIGN_OR_RETURN(const PollEnd end, read_poll(pages, request, blocks));
  blocks.finish(end);
  out.flush();
  return {};
}

// --follow: a line for each block and one for the cursor behind the blocks of a poll. When the process is interrupted
// the last line is the last cursor.
class LineBlocks final : public BlockSink {
 public:
  void begin(const std::string& cause) override {
    line_ = std::string("{\"cause\":").append(cause).append(",\"changes\":[");
    first_ = true;
  }
  void change(const std::string& json) override {
    if (!first_) line_.push_back(',');
    first_ = false;
    line_.append(json);
  }
  void end() override {
    line_.append("]}\n");
    say(line_);
    blocks_ = true;
  }

  void finish(const PollEnd& end) {
    const std::lock_guard lock(mutex_);
    const bool news = blocks_ || cursor_line_.empty() || end.cursor != cursor_;
    cursor_ = end.cursor;
    cursor_line_ = "{\"cursor\":";
    base::append_json_string(cursor_line_, end.cursor);
    cursor_line_.append(end.caught_up ? ",\"caught_up\":true}\n" : ",\"caught_up\":false}\n");
    blocks_ = false;
    if (news) write(cursor_line_);
  }

  void say_last() {
    mutex_.lock();  // never released: nothing follows the last cursor
    write(cursor_line_);
  }

 private:
  void say(const std::string& line) {
    const std::lock_guard lock(mutex_);
    write(line);
  }
  static void write(const std::string& line) {
    print(line);
    std::fflush(stdout);
  }

  std::mutex mutex_;  // guards stdout and the next two
  std::string cursor_, cursor_line_;
  std::string line_;
  bool first_ = true, blocks_ = false;
};

Result<void> follow(ChangePages& pages, engine::ChangePollRequest request, double interval_s) {
  LineBlocks lines;
  const OnInterrupt last_cursor([&lines] { lines.say_last(); });
  for (bool began = false;;) {
    const Result<PollEnd> end = read_poll(pages, request, lines);
    if (!end && !(began && end.error().code == Code::kUnavailable)) return std::unexpected(end.error());
    if (end) {
      began = true;
      lines.finish(*end);
      request.start.reset();
      request.cursor = end->cursor;
      if (!end->caught_up) continue;
    } else {
      warn(end.error().message + "; trying again");
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(interval_s));
  }
}

Result<void> run_poll(Context& context, const ChangeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(engine::ChangePollRequest request, poll_request(arguments));
  OG_ASSIGN_OR_RETURN(DataTarget target,
                      context.open_data(arguments.uri, {.label = "changes poll", .branch = arguments.branch}));
  request.branch = target.branch_or(arguments.branch);
  ChangePages pages(std::move(target));
  if (arguments.follow) return follow(pages, request, arguments.interval_s);
  return arguments.json ? print_poll<DocumentBlocks>(pages, request) : print_poll<TextBlocks>(pages, request);
}

Result<void> run_baseline(Context& context, const ChangeArguments& arguments) {
  OG_ASSIGN_OR_RETURN(DataTarget target,
                      context.open_data(arguments.uri, {.label = "changes baseline", .branch = arguments.branch}));
  const engine::BaselineRequest request{.branch = target.branch_or(arguments.branch), .filter = arguments.filter};
  ChangePages pages(std::move(target));
  engine::Baseline baseline;
  OG_RETURN_IF_ERROR(replace_baseline_file(arguments.out, [&](const RecordSink& sink) -> Result<void> {
    OG_ASSIGN_OR_RETURN(baseline, pages.baseline(request, sink));
    return {};
  }));
  if (arguments.json) {
    std::string compact;
    api::append_baseline(compact, baseline);
    print_json(compact);
  } else {
    print(std::string("snapshot_commit_id: ").append(baseline.snapshot_commit_id).append("\n"));
    print(std::string("resume_cursor: ").append(baseline.resume_cursor).append("\n"));
  }
  return {};
}

void add_filter(Command& command, ChangeArguments& arguments) {
  command.texts("--kind", arguments.filter.kinds, "node or edge; may be repeated").one_of({"node", "edge"}, "kind");
  command.texts("--type", arguments.filter.types, "A type's name; may be repeated").completes(Values::kType);
  command.texts("--op", arguments.filter.ops, "insert, update or delete; may be repeated")
      .one_of({"insert", "update", "delete"}, "op");
}

void add_commit_changes_command(Command& group, Context& context, Run& run) {
  auto arguments = std::make_shared<ChangeArguments>();
  Command changes = group.command("changes", "What a commit changed, against its first parent");
  changes.examples("omnigraph commit changes 01K5Q4ZQ9YB0T3S8N6W2M7R1XD --uri fleet.omni --type Ship");
  changes.words("ID", arguments->words, 1, 2, "Commit id; older scripts put the graph before it");
  changes.own_uri(arguments->uri, /*positional=*/false);
  changes.text("--limit", arguments->limit, "Changes in a page: 1 to 8192");
  changes.text("--page-token", arguments->page_token, "Print the one page that begins here").opaque();
  add_filter(changes, *arguments);
  changes.json(arguments->json);
  when_chosen(changes, run, [&context, arguments] { return run_commit_changes(context, *arguments); });
}

void add_poll(Command& group, Context& context, Run& run) {
  auto arguments = std::make_shared<ChangeArguments>();
  Command poll = group.command("poll", "Changes since a cursor, oldest first");
  poll.examples(
      "omnigraph changes poll fleet.omni --start beginning\nomnigraph changes poll fleet.omni --start now --follow");
  poll.own_uri(arguments->uri);
  poll.text("--branch", arguments->branch, "The branch (default main)").non_empty().completes(Values::kBranch);
  Option cursor = poll.text("--cursor", arguments->cursor, "Where the last poll ended").opaque();
  poll.text("--start", arguments->start, "now (default), beginning or after:COMMIT_ID").excludes(cursor);
  poll.text("--limit", arguments->limit, "Changes in a page: 1 to 8192");
  Option follows =
      poll.flag("--follow", arguments->follow, "Go on polling: a JSON line for each block, and one for the cursor");
  poll.real("--interval", arguments->interval_s, "Seconds between polls")
      .needs(follows)
      .within(0.05, 3600.0)
      .shows_default();
  add_filter(poll, *arguments);
  poll.json(arguments->json);
  when_chosen(poll, run, [&context, arguments] { return run_poll(context, *arguments); });
}

void add_baseline(Command& group, Context& context, Run& run) {
  auto arguments = std::make_shared<ChangeArguments>();
  Command baseline = group.command("baseline", "Write a branch to a file, with the cursor that goes on from it");
  baseline.examples("omnigraph changes baseline fleet.omni --out fleet.jsonl");
  baseline.own_uri(arguments->uri);
  baseline.text("--branch", arguments->branch, "The branch (default main)").non_empty().completes(Values::kBranch);
  baseline.text("--out", arguments->out, "The file to replace").required().completes(Values::kFile);
  add_filter(baseline, *arguments);
  baseline.json(arguments->json);
  when_chosen(baseline, run, [&context, arguments] { return run_baseline(context, *arguments); });
}

}  // namespace

Result<void> take_commit_words(const std::vector<std::string>& words, std::string& uri, std::string& id) {
  id = words.back();
  if (words.size() < 2) return {};
  if (!uri.empty()) {
    return std::unexpected(usage_error("the graph is given twice, as '" + words.front() + "' and as --uri '" + uri +
                                       "'; pass one of them"));
  }
  uri = words.front();
  return {};
}

void add_commit_changes(Command group, Context& context, Run& run) { add_commit_changes_command(group, context, run); }

void add_changes_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("changes", "Follow what happens to a branch");
  group.examples("omnigraph changes poll fleet.omni --start beginning");
  add_poll(group, context, run);
  add_baseline(group, context, run);
}

}  // namespace omnigraph::cli
