#include "cli/app.h"

int main(int argc, char** argv) { return omnigraph::cli::run(argc, argv); }
