// The XML that S3 and STS answer with, as a small tree. Thread safety: plain values.
// Errors: kIoError for text that is not well-formed, has a document type, or nests deeper than any answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::objectstore {

struct XmlElement {
  std::string name;  // without namespace prefix
  std::string text;  // all character data directly inside
  std::vector<XmlElement> children;

  // The first child of that name; null: none.
  [[nodiscard]] const XmlElement* child(std::string_view child_name) const;
  [[nodiscard]] std::string child_text(std::string_view child_name) const;  // "" if there is none
};

[[nodiscard]] Result<XmlElement> parse_xml(std::string_view text);
// For text inside an element.
[[nodiscard]] std::string xml_escape(std::string_view text);

}  // namespace omnigraph::objectstore
