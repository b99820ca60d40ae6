#include "server/trace_context.h"

#include <gtest/gtest.h>

#include <thread>

namespace omnigraph::server {
namespace {

constexpr std::string_view kValid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, TakesTheIds) {
  const auto context = parse_traceparent(kValid);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->parent_id, "00f067aa0ba902b7");
  const std::string later = std::string(kValid).replace(0, 2, "cc") + "-what-the-future-will-be";
  EXPECT_TRUE(parse_traceparent(later).has_value());
}

TEST(TraceContext, IgnoresWhatIsNotValid) {
  const std::string valid(kValid);
  for (const std::string& bad : {
           std::string(),
           valid.substr(0, 54),
           valid + "0",
           valid + "-more",
           std::string(valid).replace(0, 2, "ff"),
           std::string(valid).replace(0, 2, "0x"),
           std::string(valid).replace(3, 32, std::string(32, '0')),
           std::string(valid).replace(36, 16, std::string(16, '0')),
           std::string(valid).replace(3, 1, "A"),
           std::string(valid).replace(35, 1, "_"),
           std::string(valid).replace(0, 2, "cc") + "x",
       }) {
    EXPECT_FALSE(parse_traceparent(bad).has_value()) << bad;
  }
}

TEST(TraceContext, TimesAreInMilliseconds) {
  base::PhaseClock clock;
  {
    const base::PhaseClock::In plan(base::Phase::kPlan);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const std::string text = server_timing(clock, std::chrono::microseconds(12'345));
  EXPECT_TRUE(text.starts_with("parse;dur=0.000, plan;dur=")) << text;
  EXPECT_TRUE(text.ends_with(", execute;dur=0.000, storage;dur=0.000, total;dur=12.345")) << text;
  EXPECT_GE(std::stod(text.substr(text.find("plan;dur=") + 9)), 2.0) << text;
}

}  // namespace
}  // namespace omnigraph::server
