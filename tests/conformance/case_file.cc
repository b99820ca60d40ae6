#include "tests/conformance/case_file.h"

#include <fstream>
#include <stdexcept>

namespace omnigraph::conformance {

namespace {

Step step_of(const std::string& line, std::size_t number) {
  Step step;
  step.line = number;
  std::string rest = line.substr(3);
  std::size_t space = rest.find(' ');
  step.word = rest.substr(0, space);
  rest = space == std::string::npos ? "" : rest.substr(space + 1);
  if (rest.starts_with('@')) {
    space = rest.find(' ');
    step.branch = rest.substr(1, space == std::string::npos ? space : space - 1);
    rest = space == std::string::npos ? "" : rest.substr(space + 1);
  }
  step.arguments = rest;
  return step;
}

}  // namespace

CaseFile read_case_file(const std::string& path) {
  CaseFile file;
  file.path = path;
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  for (std::string line; std::getline(in, line);) file.lines.push_back(line);
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (line.starts_with("== ")) {
      file.steps.push_back(step_of(line, i));
      file.steps.back().body_begin = file.steps.back().body_end = i + 1;
    } else if (line.starts_with('#') || file.steps.empty()) {
      if (!line.empty() && !line.starts_with('#')) {
        throw std::runtime_error(path + ":" + std::to_string(i + 1) + ": text before the first step");
      }
    } else if (!line.empty()) {
      file.steps.back().body_end = i + 1;
    }
  }
  for (Step& step : file.steps) {
    for (std::size_t i = step.body_begin; i < step.body_end; ++i) {
      if (!file.lines[i].starts_with('#')) step.body += file.lines[i] + "\n";
    }
    // Prose that stands before the next step belongs to it.
    while (step.body.ends_with("\n\n")) step.body.pop_back();
  }
  return file;
}

void rewrite_case_file(const CaseFile& file, const std::vector<std::pair<std::size_t, std::string>>& bodies) {
  std::ofstream out(file.path);
  for (std::size_t i = 0; i < file.lines.size();) {
    out << file.lines[i] << '\n';
    const Step* step = nullptr;
    for (const Step& candidate : file.steps) {
      if (candidate.line == i) step = &candidate;
    }
    const std::string* body = nullptr;
    for (const auto& [line, text] : bodies) {
      if (step != nullptr && line == step->line) body = &text;
    }
    if (body == nullptr) {
      ++i;
      continue;
    }
    out << *body;
    i = step->body_end > i ? step->body_end : i + 1;
  }
}

}  // namespace omnigraph::conformance
