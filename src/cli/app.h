// The command line `omnigraph`: commands, flags, exit codes (chapter 05).
#pragma once

namespace omnigraph::cli {

// Runs one command and returns the process's exit code.
int run(int argc, char** argv);

}  // namespace omnigraph::cli
