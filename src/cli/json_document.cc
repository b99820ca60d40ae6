#include "cli/json_document.h"

#include "base/json_writer.h"
#include "cli/context.h"

namespace omnigraph::cli {
namespace {

constexpr std::size_t kHeldBytesMax = std::size_t{16} << 20;
constexpr std::size_t kStep = 2;

}  // namespace

void HeldOutput::append(std::string_view text) {
  if (passing_) return print(text);
  held_.append(text);
  if (held_.size() > kHeldBytesMax) flush();
}

void HeldOutput::flush() {
  passing_ = true;
  print(held_);
  held_ = std::string();
}

std::string indented_json(const std::string& compact, std::size_t indent) {
  std::string out;
  for (const char c : base::pretty_json(compact)) {  // line feeds inside strings are escaped
    out.push_back(c);
    if (c == '\n') out.append(indent, ' ');
  }
  return out;
}

void JsonItems::begin() {
  out_.append("[");
  count_ = 0;
}

void JsonItems::add_place() {
  out_.append(count_++ == 0 ? "\n" : ",\n");
  out_.append(std::string(indent_ + kStep, ' '));
}

void JsonItems::add(const std::string& compact) {
  add_place();
  out_.append(indented_json(compact, indent_ + kStep));
}

void JsonItems::end() {
  if (count_ != 0) out_.append(std::string("\n").append(indent_, ' '));
  out_.append("]");
}

}  // namespace omnigraph::cli
