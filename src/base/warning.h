// What an operator ought to know although the operation goes on and its answer is right. By default a line on standard
// error; a server puts its log there. Thread safety: warn() may be called concurrently; the sink is set before.
#pragma once

#include <functional>
#include <string_view>

namespace omnigraph::base {

// `code`: stable name, e.g. index_unreadable. `text`: one line.
using WarningSink = std::function<void(std::string_view code, std::string_view text)>;
void set_warning_sink(WarningSink sink);  // empty: the default again
void warn(std::string_view code, std::string_view text);

}  // namespace omnigraph::base
