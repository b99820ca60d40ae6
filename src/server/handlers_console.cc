// The console (chapter 13): pages in the browser over the routes of this server. The files need no token; what they ask
// for does.

#include <algorithm>

#include "server/console.h"
#include "server/handlers.h"

namespace omnigraph::server {

namespace {

std::string_view media_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/javascript; charset=utf-8";
}

Result<HttpResponse> file_response(std::string_view name) {
  const auto files = console_files();
  const auto file = std::ranges::find(files, name, &base::EmbeddedFile::name);
  if (file == files.end()) return std::unexpected(not_found("the console has no file '" + std::string(name) + "'"));
  HttpResponse response;
  response.content_type = media_type_of(name);
  response.body = file->content;
  // Nothing of the page may come from or go to another origin, so that data that looks like code stays data.
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
                                "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace

Result<HttpResponse> handle_console(Call&) { return file_response("index.html"); }
Result<HttpResponse> handle_console_file(Call& call) { return file_response(call.captures.at(0)); }

// The pages name their files relative to the folder.
Result<HttpResponse> handle_console_folder(Call&) {
  HttpResponse response;
  response.status = 302;
  response.content_type.clear();
  response.headers.emplace_back("Location", "console/");
  return response;
}

}  // namespace omnigraph::server
