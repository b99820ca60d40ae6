#include "base/source_text.h"

#include <gtest/gtest.h>

namespace omnigraph::base {
namespace {

constexpr std::string_view kSource = "query q() {\n  match { $s: Ship  $s docksIn $p }\n  return { $p }\n}\n";

TEST(SourceText, PlacesCountLinesAndCodePoints) {
  EXPECT_EQ(place_of(kSource, 0).line, 1u);
  EXPECT_EQ(place_of(kSource, 0).column, 1u);
  const SourcePlace word = place_of(kSource, kSource.find("docksIn"));
  EXPECT_EQ(word.line, 2u);
  EXPECT_EQ(word.column, 24u);
  EXPECT_EQ(place_of("\u00e9\u00e9x", 4).column, 3u);
  EXPECT_EQ(place_of("a\nb", 99).line, 2u) << "behind the end is the end";
}

TEST(SourceText, DrawsTheExampleOfTheStyleChapter) {
  const std::size_t at = kSource.find("docksIn");
  EXPECT_EQ(render_excerpt(kSource, {at, at + 7}, "ships.gq", "did you mean 'docksAt' (Ship -> Port)?"),
            "  --> ships.gq:2:24\n"
            "  |\n"
            "2 |   match { $s: Ship  $s docksIn $p }\n"
            "  |                        ^^^^^^^\n"
            "  = did you mean 'docksAt' (Ship -> Port)?");
}

TEST(SourceText, CaretsStandByDisplayWidth) {
  const std::string_view source = "\t\u65e5\u672c = \u672c x";
  const std::size_t at = source.rfind("\u672c");
  EXPECT_EQ(render_excerpt(source, {at, at + 3}, "", ""),
            "  --> 1:7\n"
            "  |\n"
            "1 |  \u65e5\u672c = \u672c x\n"
            "  |         ^^");
}

TEST(SourceText, MarksTheEndAndSpansOfSeveralLines) {
  EXPECT_EQ(render_excerpt("ab", {2, 2}, "f", ""), "  --> f:1:3\n  |\n1 | ab\n  |   ^");
  EXPECT_EQ(render_excerpt("ab\r\ncd", {1, 6}, "f", ""), "  --> f:1:2\n  |\n1 | ab\n  |  ^");
  EXPECT_EQ(render_excerpt("", {0, 0}, "f", ""), "  --> f:1:1\n  |\n1 |\n  | ^");
  const std::string deep(11, '\n');
  EXPECT_EQ(render_excerpt(deep + "x", {11, 12}, "f", ""), "   --> f:12:1\n   |\n12 | x\n   | ^");
}

}  // namespace
}  // namespace omnigraph::base
