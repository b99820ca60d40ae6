// Appends JSON text to a string. The caller keeps the grammar right; commas are placed by the writer.
// Not thread safe. Strings must be UTF-8; only `"`, `\` and controls are escaped (\b \f \n \r \t, else \u00xx).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::base {

void append_json_string(std::string& out, std::string_view text);  // with the quotes
void append_json_number(std::string& out, double value);           // as JsonWriter::number

class JsonWriter {
 public:
  // indent 0: compact, `{"a":1}`; else pretty with that many spaces, `"a": 1`, empty containers `{}` `[]`.
  explicit JsonWriter(std::string& out, int indent = 0) : out_(out), indent_(indent) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& unsigned_integer(std::uint64_t value);
  JsonWriter& number(double value);  // NaN and infinities become the strings "NaN", "Infinity", "-Infinity"
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // `json` is one complete compact JSON value, copied as it is (pretty writers re-indent it).
  JsonWriter& raw(std::string_view json);
  JsonWriter& string_or_null(std::string_view value, bool present) { return present ? string(value) : null(); }

 private:
  void before_value();
  void newline();
  struct Level {
    bool array;
    std::size_t count;
  };
  std::string& out_;
  int indent_;
  bool after_key_ = false;
  std::vector<Level> levels_;
};

// Re-indents a compact JSON text; 2-space indent, no final newline. REQUIRES: valid JSON.
[[nodiscard]] std::string pretty_json(std::string_view compact);

}  // namespace omnigraph::base
