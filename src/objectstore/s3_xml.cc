#include "objectstore/s3_xml.h"

#include <expat.h>

#include <memory>

namespace omnigraph::objectstore {
namespace {

constexpr std::size_t kDepthMax = 16;

struct Builder {
  XML_Parser parser = nullptr;
  XmlElement root;  // its only child is the document's element
  std::vector<XmlElement*> open;
};

void on_start(void* data, const XML_Char* name, const XML_Char**) {
  auto& builder = *static_cast<Builder*>(data);
  if (builder.open.size() > kDepthMax) {
    XML_StopParser(builder.parser, XML_FALSE);
    return;
  }
  const std::string_view full(name);
  const std::size_t colon = full.rfind(':');
  XmlElement& parent = *builder.open.back();
  parent.children.push_back(
      {.name = std::string(full.substr(colon == std::string_view::npos ? 0 : colon + 1)), .text = {}, .children = {}});
  // Siblings are only added after this one is closed, so the address stays good while it is open.
  builder.open.push_back(&parent.children.back());
}

void on_end(void* data, const XML_Char*) { static_cast<Builder*>(data)->open.pop_back(); }

void on_text(void* data, const XML_Char* text, int size) {
  static_cast<Builder*>(data)->open.back()->text.append(text, static_cast<std::size_t>(size));
}

// No answer has one; entities could be made to grow without end.
void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  XML_StopParser(static_cast<Builder*>(data)->parser, XML_FALSE);
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const XmlElement& element : children) {
    if (element.name == child_name) return &element;
  }
  return nullptr;
}

std::string XmlElement::child_text(std::string_view child_name) const {
  const XmlElement* found = child(child_name);
  return found == nullptr ? std::string() : found->text;
}

Result<XmlElement> parse_xml(std::string_view text) {
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr), &XML_ParserFree);
  OG_CHECK(parser != nullptr);
  Builder builder;
  builder.parser = parser.get();
  builder.open.push_back(&builder.root);
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), /*isFinal=*/1);
  if (status != XML_STATUS_OK || builder.root.children.empty()) {
    const char* why = XML_ErrorString(XML_GetErrorCode(parser.get()));
    return std::unexpected(
        Error{Code::kIoError, std::string("the store's answer is no usable XML: ") + (why == nullptr ? "empty" : why)});
  }
  return std::move(builder.root.children.front());
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace omnigraph::objectstore
