// Ranges against a byte-by-byte model, and the parts that every HTTP stack gets wrong once.
#include "server/blob_conditions.h"

#include <gtest/gtest.h>

namespace omnigraph::server {
namespace {

using Kind = BlobVerdict::Kind;

HttpRequest with(std::initializer_list<std::pair<std::string, std::string>> headers, std::string method = "GET") {
  HttpRequest request;
  request.method = std::move(method);
  request.headers.assign(headers.begin(), headers.end());
  return request;
}

TEST(BlobConditions, EveryShortRangeOfEveryShortValue) {
  for (std::uint64_t size = 0; size < 6; ++size) {
    for (std::uint64_t first = 0; first < 8; ++first) {
      for (std::uint64_t last = 0; last < 8; ++last) {
        const auto verdict = judge_conditions(
            with({{"range", "bytes=" + std::to_string(first) + "-" + std::to_string(last)}}), "t", size);
        if (first > last) {
          EXPECT_EQ(verdict.kind, Kind::kWhole);
        } else if (first >= size) {
          EXPECT_EQ(verdict.kind, Kind::kUnsatisfiable);
          EXPECT_EQ(verdict.range.begin, first);
          EXPECT_EQ(verdict.range.end, last + 1);
        } else {
          EXPECT_EQ(verdict.kind, Kind::kPart);
          EXPECT_EQ(verdict.range.begin, first);
          EXPECT_EQ(verdict.range.end, std::min(last + 1, size));
        }
      }
      const auto suffix = judge_conditions(with({{"range", "bytes=-" + std::to_string(first)}}), "t", size);
      if (first == 0 || size == 0) {
        EXPECT_EQ(suffix.kind, Kind::kUnsatisfiable);
        EXPECT_EQ(suffix.range.begin, size);
        EXPECT_EQ(suffix.range.end, size);
      } else {
        EXPECT_EQ(suffix.kind, Kind::kPart);
        EXPECT_EQ(suffix.range.begin, size - std::min(first, size));
        EXPECT_EQ(suffix.range.end, size);
      }
    }
  }
}

TEST(BlobConditions, NumbersBeyond64BitsAreClamped) {
  const auto end = judge_conditions(with({{"range", "bytes=3-340282366920938463463374607431768211456"}}), "t", 10);
  EXPECT_EQ(end.kind, Kind::kPart);
  EXPECT_EQ(end.range.end, 10U);
  const auto begin = judge_conditions(with({{"range", "bytes=340282366920938463463374607431768211456-"}}), "t", 10);
  EXPECT_EQ(begin.kind, Kind::kUnsatisfiable);
}

TEST(BlobConditions, RepeatedHeaders) {
  EXPECT_EQ(judge_conditions(with({{"range", "bytes=0-1"}, {"range", "bytes=0-1"}}), "t", 10).kind, Kind::kWhole);
  EXPECT_EQ(judge_conditions(with({{"if-match", "\"a\""}, {"if-match", "\"t\""}}), "t", 10).kind, Kind::kWhole);
  EXPECT_EQ(judge_conditions(with({{"if-match", "\"a\""}, {"if-match", "*"}}), "t", 10).kind,
            Kind::kPreconditionFailed);
  EXPECT_EQ(
      judge_conditions(with({{"if-range", "\"t\""}, {"if-range", "\"t\""}, {"range", "bytes=0-1"}}), "t", 10).kind,
      Kind::kWhole);
}

TEST(BlobConditions, MatchComesBeforeNoneMatchComesBeforeRange) {
  EXPECT_EQ(judge_conditions(with({{"if-match", "\"x\""}, {"if-none-match", "\"t\""}}), "t", 1).kind,
            Kind::kPreconditionFailed);
  EXPECT_EQ(judge_conditions(with({{"if-none-match", "\"t\""}, {"range", "bytes=9-"}}), "t", 1).kind,
            Kind::kNotModified);
  EXPECT_EQ(judge_conditions(with({{"range", "bytes=9-"}}, "HEAD"), "t", 1).kind, Kind::kHeadOnly);
}

}  // namespace
}  // namespace omnigraph::server
