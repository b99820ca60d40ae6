// Runs Cedar conformance cases: `cedar_corpus DIR` takes every *.json below DIR that is a case (it names policies,
// entities, a schema and requests; format: appendix of chapter 08). One check a request (decision, determining
// policies, erring policies) and one a case (strict validation). Last line: `N passed, N failed`.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/task_pool.h"
#include "policy/cedar_evaluator.h"
#include "policy/cedar_json.h"
#include "policy/cedar_parser.h"
#include "policy/cedar_validator.h"

namespace omnigraph::policy::cedar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Ids = std::set<std::string>;

struct Tally {
  std::size_t passed = 0;
  std::vector<std::string> failures;

  void judge(bool passes, const std::string& failure) {
    if (passes) {
      ++passed;
    } else {
      failures.push_back(failure);
    }
  }
};

std::string list(const Ids& ids) {
  std::string out("[");
  for (const std::string& id : ids) out += (out.size() == 1 ? "" : ", ") + id;
  return out + "]";
}

void run_request(const Json& written, const std::vector<Policy>& policies, const Entities& entities,
                 const Schema& schema, const std::string& where, Tally& tally) {
  const auto request = request_of_json(written.dump(), schema);
  if (!request) {
    tally.judge(false, where + ": " + request.error().message);
    return;
  }
  std::vector<const Policy*> all;
  for (const Policy& policy : policies) all.push_back(&policy);
  const Answer answer = authorize(all, *request, entities);
  Ids reason;
  Ids errors;
  for (const Policy* policy : answer.determining) reason.insert(policy->id);
  for (const auto& fault : answer.errors) errors.insert(fault.policy->id);
  const bool allow = written["decision"] == "allow";
  const auto wanted_reason = written["reason"].get<Ids>();
  const auto wanted_errors = written["errors"].get<Ids>();
  std::string failure = where + ": expected " + (allow ? "allow " : "deny ") + list(wanted_reason) + " errors " +
                        list(wanted_errors) + ", got " + (answer.allowed ? "allow " : "deny ") + list(reason) +
                        " errors " + list(errors);
  for (const auto& fault : answer.errors) failure += "\n  " + fault.policy->id + ": " + fault.error.message;
  tally.judge(answer.allowed == allow && reason == wanted_reason && errors == wanted_errors, failure);
}

Result<void> run_case(const fs::path& root, const Json& written, const std::string& name, Tally& tally) {
  const auto read = [&](const char* part) { return base::read_file(root / written[part].get<std::string>()); };
  OG_ASSIGN_OR_RETURN(const std::string policy_text, read("policies"));
  OG_ASSIGN_OR_RETURN(const std::string schema_text, read("schema"));
  OG_ASSIGN_OR_RETURN(const std::string entities_text, read("entities"));
  OG_ASSIGN_OR_RETURN(const auto policies, parse_policies(policy_text));
  OG_ASSIGN_OR_RETURN(const Schema schema, Schema::parse(schema_text));
  OG_ASSIGN_OR_RETURN(const Entities entities, entities_of_json(entities_text, schema));
  std::string mistake;
  for (const Policy& policy : policies) {
    if (const auto valid = validate(policy, schema, policy_text); !valid && mistake.empty()) {
      mistake = valid.error().render();
    }
  }
  const bool wanted = written["shouldValidate"].get<bool>();
  tally.judge(mistake.empty() == wanted, name + ": expected the policies " +
                                             (wanted ? "to validate" : "not to validate") +
                                             (mistake.empty() ? "" : "\n  " + mistake));
  for (std::size_t i = 0; i < written["requests"].size(); ++i) {
    run_request(written["requests"][i], policies, entities, schema, name + " request " + std::to_string(i), tally);
  }
  return {};
}

// Paths in a case are relative to the corpus root: the nearest folder upwards that has them.
fs::path root_of(const fs::path& file, const Json& written) {
  fs::path folder = file.parent_path();
  while (folder.has_relative_path() && !fs::exists(folder / written["policies"].get<std::string>())) {
    folder = folder.parent_path();
  }
  return folder;
}

Tally run_file(const fs::path& file) {
  Tally tally;
  try {
    const Json written = Json::parse(base::read_file(file).value_or("null"));
    if (!written.is_object() || !written.contains("policies") || !written.contains("requests")) return tally;
    if (const auto done = run_case(root_of(file, written), written, file.string(), tally); !done) {
      tally.judge(false, file.string() + ": " + done.error().render());
    }
  } catch (const Json::exception& error) {
    tally.judge(false, file.string() + ": " + error.what());
  }
  return tally;
}

int run(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") && !name.ends_with(".entities.json")) files.push_back(fs::absolute(entry.path()));
  }
  std::ranges::sort(files);
  std::vector<Tally> tallies(files.size());
  base::TaskPool::shared().parallel_for(files.size(), [&](std::size_t i) { tallies[i] = run_file(files[i]); });
  std::size_t passed = 0;
  std::size_t failed = 0;
  for (const Tally& tally : tallies) {
    passed += tally.passed;
    failed += tally.failures.size();
    for (const std::string& failure : tally.failures) std::printf("FAILED %s\n", failure.c_str());
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace omnigraph::policy::cedar

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: cedar_corpus DIR    (a folder with Cedar conformance cases)\n");
    return 2;
  }
  return omnigraph::policy::cedar::run(argv[1]);
}
