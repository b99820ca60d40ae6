#include "base/source_text.h"

#include <algorithm>

#include "base/text.h"

namespace omnigraph::base {
namespace {

// What a terminal can show in one line: tabs and other controls become spaces, so that carets stay in line.
std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return shown;
}

}  // namespace

SourcePlace place_of(std::string_view source, std::size_t offset) {
  const std::string_view before = source.substr(0, std::min(offset, source.size()));
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
          .column = 1 + code_point_count(before.substr(line_start))};
}

std::string render_excerpt(std::string_view source, SourceSpan span, std::string_view file, std::string_view help) {
  const std::size_t begin = std::min(span.begin, source.size());
  const SourcePlace place = place_of(source, begin);
  const std::size_t line_start = source.substr(0, begin).rfind('\n') + 1;
  std::size_t line_end = std::min(source.find('\n', begin), source.size());
  if (line_end > line_start && source[line_end - 1] == '\r') --line_end;
  // A span that goes on in the next line is marked to the end of this one.
  const std::size_t marked_end = std::clamp(span.end, begin, std::max(begin, line_end));

  const std::string line = printable(source.substr(line_start, line_end - line_start));
  const std::string_view marked =
      std::string_view(line).substr(std::min(begin - line_start, line.size()), marked_end - begin);
  const std::string number = std::to_string(place.line);
  const std::string margin(number.size() + 1, ' ');

  std::string text = margin + "--> ";
  if (!file.empty()) {
    text += file;
    text += ':';
  }
  text += number + ':' + std::to_string(place.column) + '\n';
  text += margin + "|\n";
  text += number + " |";
  if (!line.empty()) text += ' ' + line;
  text += '\n' + margin + "| ";
  text.append(display_width(std::string_view(line).substr(0, std::min(begin - line_start, line.size()))), ' ');
  text.append(std::max<std::size_t>(1, display_width(marked)), '^');
  if (!help.empty()) {
    text += '\n' + margin + "= ";
    text += help;
  }
  return text;
}

}  // namespace omnigraph::base
