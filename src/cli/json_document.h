// One pretty JSON document that is written while its items arrive. Thread safety: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace omnigraph::cli {

// Text for stdout that is held back at first: a failure early on prints nothing, yet memory stays bounded.
class HeldOutput {
 public:
  void append(std::string_view text);
  void flush();

 private:
  std::string held_;
  bool passing_ = false;
};

// A compact value, pretty, for a place `indent` columns in.
[[nodiscard]] std::string indented_json(const std::string& compact, std::size_t indent);

// The items of an array whose brackets stand in a line indented by `indent` columns.
class JsonItems {
 public:
  JsonItems(HeldOutput& out, std::size_t indent) : out_(out), indent_(indent) {}
  void begin();  // [
  void add(const std::string& compact);
  void add_place();  // where the next item goes, written by the caller
  void end();        // ]

 private:
  HeldOutput& out_;
  const std::size_t indent_;
  std::size_t count_ = 0;
};

}  // namespace omnigraph::cli
