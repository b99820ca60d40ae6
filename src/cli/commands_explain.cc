// explain.

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/command.h"
#include "cli/explanations.h"

namespace omnigraph::cli {

namespace {

std::array<std::span<const Explanation>, 4> explanation_tables() {
  return {error_explanations(), language_explanations(), finding_explanations(), cluster_explanations()};
}

// nullptr: no such code. Letters count whatever their case.
const Explanation* find_explanation(std::string_view code) {
  for (const auto& table : explanation_tables()) {
    const auto found = std::ranges::find_if(
        table, [code](const Explanation& row) { return base::equals_ignore_ascii_case(row.code, code); });
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

// In the order of the tables.
std::vector<std::string_view> explained_codes() {
  std::vector<std::string_view> codes;
  for (const auto& table : explanation_tables()) {
    for (const Explanation& row : table) codes.push_back(row.code);
  }
  return codes;
}

const char* family_text(Family family) {
  switch (family) {
    case Family::kErrorCode: return "error code";
    case Family::kErrorDetail: return "detail of an error";
    case Family::kMergeConflict: return "kind of merge conflict";
    case Family::kTypeError: return "type error of a query";
    case Family::kMigration: return "refusal of a schema change";
    case Family::kLint: return "finding of lint";
    case Family::kFinding: return "finding of the control plane";
    case Family::kReason: break;
  }
  return "reason or condition of the control plane";
}

const char* written_text(Written written) {
  switch (written) {
    case Written::kNothing: return "nothing";
    case Written::kUnknown: return "unknown: read before you repeat a write";
    case Written::kReported: break;
  }
  return "what the report says";
}

const char* retry_text(Retry retry) {
  switch (retry) {
    case Retry::kAfterMending: return "no, not before it is mended";
    case Retry::kAtOnce: return "yes, at once";
    case Retry::kLater: break;
  }
  return "yes, later";
}

Error unknown_code(const std::string& code) {
  std::vector<std::string> known;
  for (const std::string_view name : explained_codes()) known.emplace_back(name);
  const std::string hint = base::did_you_mean(code, known);
  return bad_request("no code '" + code + "'; " +
                     (hint.empty() ? "`omnigraph explain` lists all that there are" : hint));
}

std::string all_codes_text() {
  std::string out;
  for (const auto& table : explanation_tables()) {
    for (const Explanation& row : table) out.append(row.code).append("  ").append(family_text(row.family)).append("\n");
  }
  return out;
}

std::string explanation_text(const Explanation& row) {
  std::string out(row.code);
  const auto line = [&out](std::string_view label, std::string_view text) {
    out.append("\n").append(label).append(text);
  };
  out.append(": ").append(family_text(row.family));
  line("  cause:    ", row.cause);
  line("  fix:      ", row.fix);
  line("  example:  ", row.example);
  line("  written:  ", written_text(row.written));
  line("  retry:    ", retry_text(row.retry));
  return out.append("\n");
}

void append_explanation(base::JsonWriter& json, const Explanation& row) {
  json.begin_object().key("code").string(row.code).key("family").string(family_text(row.family));
  json.key("cause").string(row.cause).key("fix").string(row.fix).key("example").string(row.example);
  json.key("written").string(written_text(row.written)).key("retry").string(retry_text(row.retry)).end_object();
}

struct ExplainArguments {
  std::string code;
  bool json = false;
};

Result<void> run_explain_code(const ExplainArguments& arguments) {
  const Explanation* row = find_explanation(arguments.code);
  if (!arguments.code.empty() && row == nullptr) return std::unexpected(unknown_code(arguments.code));
  if (!arguments.json) {
    print(row == nullptr ? all_codes_text() : explanation_text(*row));
    return {};
  }
  std::string compact;
  base::JsonWriter json(compact);
  if (row != nullptr) {
    append_explanation(json, *row);
  } else {
    json.begin_object().key("codes").begin_array();
    for (const auto& table : explanation_tables()) {
      for (const Explanation& each : table) append_explanation(json, each);
    }
    json.end_array().end_object();
  }
  print_json(compact);
  return {};
}

}  // namespace

void add_explain_command(CLI::App& app, Run& run) {
  Command command = Command(app).command("explain", "What a code of an error or a finding means, and what to do");
  command.examples("omnigraph explain state_lock_held\nomnigraph explain T4");
  auto arguments = std::make_shared<ExplainArguments>();
  command.text("CODE", arguments->code, "The code, its detail or type code; without it all are listed");
  command.json(arguments->json);
  when_chosen(command, run, [arguments] { return run_explain_code(*arguments); });
}

}  // namespace omnigraph::cli
