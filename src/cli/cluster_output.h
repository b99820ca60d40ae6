// Cluster reports as JSON (cluster_output.cc) and as text (cluster_text.cc): chapter 05 section 7.1, chapter 06
// sections 1 and 5 to 10, chapter 13 section 3.1. Thread safety: free functions over values.
#pragma once

#include <string>

#include "cluster/verbs.h"

namespace omnigraph::cli {

[[nodiscard]] std::string validate_json(const cluster::Declaration& declaration, const std::string& config_dir);
[[nodiscard]] std::string validate_text(const cluster::Declaration& declaration);
[[nodiscard]] std::string plan_json(const cluster::PlanReport& report, const std::string& config_dir);
[[nodiscard]] std::string plan_text(const cluster::PlanReport& report);
[[nodiscard]] std::string apply_json(const cluster::ApplyReport& report, const std::string& config_dir);
[[nodiscard]] std::string apply_text(const cluster::ApplyReport& report);
[[nodiscard]] std::string approve_json(const cluster::ApproveReport& report, const std::string& config_dir);
[[nodiscard]] std::string approve_text(const cluster::ApproveReport& report);
// `verb`: status, import or refresh.
[[nodiscard]] std::string state_json(const cluster::StateReport& report, const std::string& config_dir,
                                     const std::string& verb);
[[nodiscard]] std::string state_text(const cluster::StateReport& report, const std::string& verb);
[[nodiscard]] std::string unlock_json(const cluster::UnlockReport& report, const std::string& config_dir);
[[nodiscard]] std::string unlock_text(const cluster::UnlockReport& report);

}  // namespace omnigraph::cli
