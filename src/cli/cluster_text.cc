// Cluster reports for people: a plan reads like a review, what and why and what it costs (chapter 13 section 3.1).

#include <algorithm>

#include "base/text.h"
#include "cli/cluster_output.h"
#include "cli/terminal.h"

namespace omnigraph::cli {

namespace {

using cluster::Change;
using cluster::Diagnostics;
using cluster::Disposition;
using cluster::Operation;

std::string diagnostics_text(const Diagnostics& diagnostics) {
  std::string out;
  for (const auto& diagnostic : diagnostics) {
    const bool error = diagnostic.severity == cluster::Severity::kError;
    out += colored(stdout, error ? Color::kRed : Color::kYellow, error ? "ERROR" : "WARN ") + " ";
    out += diagnostic.code + " " + diagnostic.path + ": " + diagnostic.message + "\n";
  }
  return out;
}

// `create` -> `Create`
std::string title(std::string_view word) {
  std::string name(word);
  name.front() = static_cast<char>(name.front() - 'a' + 'A');
  return name;
}

std::string change_line(const Change& change) {
  return "  " + title(operation_name(change.operation)) + " " + change.resource +
         (change.binding_change ? " [bindings]" : "");
}

// The signs and words carry the meaning; the colour repeats it.
Color color_of(Operation operation) {
  switch (operation) {
    case Operation::kCreate: return Color::kGreen;
    case Operation::kUpdate: return Color::kYellow;
    case Operation::kDelete: break;
  }
  return Color::kRed;
}

Color color_of_sign(char sign) { return sign == '+' ? Color::kGreen : sign == '~' ? Color::kYellow : Color::kRed; }

// Its operation in colour.
std::string colored_line(const Change& change) {
  const std::string word = title(operation_name(change.operation));
  return "  " + colored(stdout, color_of(change.operation), word) + change_line(change).substr(2 + word.size());
}

// `+ City.population: I64?; 12 rows`, all of it in the colour of the sign.
std::string effect_line(char sign, const std::string& text) {
  return colored(stdout, color_of_sign(sign), std::string(1, sign).append(" ").append(text));
}

std::string number(std::size_t value) { return std::to_string(value); }

// Why a change stands in the plan, or waits; empty for what needs no word.
std::string why(const Change& change) {
  const std::string graph = "graph." + cluster::graph_of(change.resource);
  const bool rides = change.operation != Operation::kUpdate && change.resource != graph &&
                     cluster::kind_of(change.resource) != "policy";
  if (change.disposition == Disposition::kDerived) return "follows from the changes below";
  if (change.reason == cluster::kApprovalRequired)
    return change.gate.empty() ? "goes with " + graph : "waits for approval";
  if (change.reason == cluster::kDriftGated) {
    if (!change.gate.empty()) return "drift: waits for approval";
    return rides ? "goes with " + graph : "waits with its schema";
  }
  if (change.reason == cluster::kDependencyNotApplied) return "waits for its graph";
  if (change.reason == cluster::kRecoveryPending) return "waits for an interrupted operation";
  if (change.reason == cluster::kUnsupportedKind) return "left alone: apply has no way to do this";
  if (!change.reason.empty()) return "waits: " + change.reason;
  if (change.approval_id) return "approved (" + *change.approval_id + ")";
  if (change.corrects_drift) return "corrects drift";
  if (change.operation == Operation::kDelete && rides && cluster::kind_of(change.resource) == "schema")
    return "goes with " + graph;
  if (change.metadata_change == "embedding_profile") return "settings recorded";
  if (cluster::kind_of(change.resource) == "query") return "served after a restart";
  return {};
}

char sign_of(const schema::MigrationStep& step) {
  switch (step.kind) {
    case schema::StepKind::kAddType:
    case schema::StepKind::kAddProperty:
    case schema::StepKind::kAddConstraint: return '+';
    case schema::StepKind::kDropType:
    case schema::StepKind::kDropProperty:
    case schema::StepKind::kDropConstraint: return '-';
    case schema::StepKind::kUnsupported: return '!';
    default: return '~';
  }
}

// The lines below a change: migration steps, what a delete takes along, and how to allow what waits.
std::string detail_lines(const cluster::PlanReport& report, const Change& change) {
  std::string out;
  const auto effects = report.effects.find(change.resource);
  if (change.migration) {
    if (change.migration->steps.empty()) out += "      " + effect_line('~', "the text alone changes") + "\n";
    for (std::size_t i = 0; i < change.migration->steps.size(); ++i) {
      const auto& step = change.migration->steps[i];
      std::string text = step_text(step);
      if (effects != report.effects.end() && !effects->second[i].empty()) text.append("; ").append(effects->second[i]);
      out.append("      ").append(effect_line(sign_of(step), text)).append("\n");
    }
  }
  const bool content = !change.migration && effects != report.effects.end();
  const bool asks = change.waits() && !change.gate.empty() && change.reason == change.gate;
  if (!content && !asks) return out;
  out += "      ";
  if (content) out.append(effect_line('-', effects->second.front())).append(asks ? "; " : "");
  if (asks) out.append("to allow: omnigraph cluster approve ").append(change.resource).append(" --as <you>");
  out += "\n";
  return out;
}

// What is for good once this plan is applied and its gates are open.
std::string data_lost(const std::vector<Change>& changes) {
  std::string lost;
  for (const Change& change : changes) {
    if (cluster::kind_of(change.resource) != "graph" || change.operation != Operation::kDelete) continue;
    lost += (lost.empty() ? "" : "; ") + change.resource + (change.approval_id ? "" : ", once approved");
  }
  return lost.empty() ? "none" : lost;
}

std::string summary(const cluster::PlanReport& report) {
  const auto waiting = static_cast<std::size_t>(std::ranges::count_if(report.changes, &Change::waits));
  std::string out = "Apply now: " + number(report.changes.size() - waiting) + " done, " + number(waiting) +
                    (waiting == 1 ? " waits" : " wait") + ". Data lost: " + data_lost(report.changes) + ". ";
  if (!report.state.state_found) return out + "No ledger yet: run `omnigraph cluster import` before `apply`.\n";
  return out + "Ledger revision " + number(report.state.state_revision) + ".\n";
}

std::string lock_text(const cluster::StateObservations& state) {
  if (!state.locked) return "  lock: not held\n";
  std::string out = "  lock: held (id=" + state.lock_id.value_or("?");
  if (state.lock_operation) out += ", operation=" + *state.lock_operation;
  if (state.lock_created_at) out += ", created_at=" + *state.lock_created_at;
  return out + ")\n";
}

std::string failed(std::string_view verb, const Diagnostics& diagnostics) {
  return std::string("cluster ").append(verb).append(" failed\n") + diagnostics_text(diagnostics);
}

}  // namespace

std::string validate_text(const cluster::Declaration& declaration) {
  const std::string head = declaration.ok()
                               ? "cluster config valid: " + number(declaration.resources.size()) + " resource(s), " +
                                     number(declaration.dependencies.size()) + " dependency edge(s)\n"
                               : "cluster config invalid\n";
  return head + diagnostics_text(declaration.diagnostics);
}

std::string plan_text(const cluster::PlanReport& report) {
  if (!report.ok()) return failed("plan", report.diagnostics);
  std::string out = "cluster plan: " + number(report.changes.size()) + " change(s), " +
                    number(report.approvals_required.size()) + " approval gate(s)\n";
  std::size_t width = 0;
  for (const Change& change : report.changes) width = std::max(width, base::display_width(change_line(change)));
  for (const Change& change : report.changes) {
    std::string line = colored_line(change);
    if (const std::string reason = why(change); !reason.empty()) {
      line.append(width + 4 - base::display_width(change_line(change)), ' ').append(reason);
    }
    out += line + "\n" + detail_lines(report, change);
  }
  out += report.changes.empty() ? "  no changes\n" : summary(report);
  return out + diagnostics_text(report.diagnostics);
}

std::string apply_text(const cluster::ApplyReport& report) {
  std::string out = report.ok() ? "cluster apply: " + number(report.applied_count) + " applied, " +
                                      number(report.deferred_count) + " deferred/blocked\n"
                                : "cluster apply failed\n";
  for (const Change& change : report.changes) {
    out += change_line(change) + " [" + title(disposition_name(change.disposition));
    if (!change.reason.empty()) out += ": " + change.reason;
    out += "]\n";
  }
  const auto yes_no = [](bool b) { return std::string(b ? "true" : "false"); };
  out += "  state: revision " + std::to_string(report.state.state_revision) +
         ", converged: " + yes_no(report.converged) + ", written: " + yes_no(report.state_written) + "\n";
  if (report.state_written) out += "  servers pick this up when they are restarted\n";
  return out + diagnostics_text(report.diagnostics);
}

std::string approve_text(const cluster::ApproveReport& report) {
  if (!report.ok()) return failed("approve", report.diagnostics);
  return "cluster approve: " + report.operation.value_or("") + " " + report.resource.value_or("") + " approved by " +
         report.approved_by.value_or("") + " (approval " + report.approval_id.value_or("") + ")\n" +
         diagnostics_text(report.diagnostics);
}

std::string state_text(const cluster::StateReport& report, const std::string& verb) {
  if (!report.ok()) return failed(verb, report.diagnostics);
  const std::string counts = "revision " + std::to_string(report.state.state_revision) + ", " +
                             number(report.state.resource_count) + " resource(s)\n";
  if (verb != "status") return "cluster " + verb + ": " + counts + diagnostics_text(report.diagnostics);
  if (!report.state.state_found)
    return "cluster state missing\n" + lock_text(report.state) + diagnostics_text(report.diagnostics);
  std::string out = "cluster state: " + counts;
  out += "  applied config: " + report.state.applied_config_digest.value_or("not converged") + "\n";
  out += lock_text(report.state);
  for (const auto& [address, status] : report.resource_statuses) {
    out += "  " + address + ": " + status.status;
    for (const std::string& condition : status.conditions) out += " " + condition;
    out += "\n";
  }
  return out + diagnostics_text(report.diagnostics);
}

std::string unlock_text(const cluster::UnlockReport& report) {
  if (!report.lock_removed) return failed("force-unlock", report.diagnostics);
  std::string out = "cluster force-unlock: removed lock (id=" + report.state.lock_id.value_or("?");
  if (report.state.lock_operation) out += ", operation=" + *report.state.lock_operation;
  return out + ")\n" + diagnostics_text(report.diagnostics);
}

}  // namespace omnigraph::cli
