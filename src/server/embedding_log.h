// Calls of embedding providers as lines of the server's log (chapter 04 section 5.8).
#pragma once

namespace omnigraph::server {

// Once, before anything is served.
void install_embedding_log();

}  // namespace omnigraph::server
