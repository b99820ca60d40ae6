// What the console shows, as text: pure functions without a page, so that they can be tried without a browser.
"use strict";

const consoleText = (() => {
  // A cell of a result: strings as they are, long vectors folded, the rest as JSON.
  function cell(value) {
    if (value === null || value === undefined) return "null";
    if (typeof value === "string") return value;
    if (Array.isArray(value) && value.length > 8 && value.every(item => typeof item === "number")) {
      return `[${value.slice(0, 4).join(", ")}, … ${value.length} numbers]`;
    }
    return JSON.stringify(value);
  }

  // #/graphs/<id>/<page>?branch=<b>&at=<commit>; everything a reload needs.
  function readPlace(hash) {
    const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
    const [, graph = "", page = ""] = path.split("/");
    const given = new URLSearchParams(query);
    return {graph: decodeURIComponent(graph), page: page || "overview", branch: given.get("branch") || "main", at: given.get("at") || ""};
  }

  function writePlace(place) {
    const query = new URLSearchParams();
    if (place.branch && place.branch !== "main") query.set("branch", place.branch);
    if (place.at) query.set("at", place.at);
    const tail = query.toString();
    return `#/graphs/${encodeURIComponent(place.graph)}/${place.page}${tail ? "?" + tail : ""}`;
  }

  // The JSON value of what somebody typed for a parameter; throws with words for the reader.
  function parameter(descriptor, text) {
    const trimmed = text.trim();
    if (trimmed === "") {
      if (descriptor.nullable) return null;
      if (descriptor.kind === "string") return "";
      throw new Error(`$${descriptor.name} needs a value`);
    }
    switch (descriptor.kind) {
      case "string": return text;
      case "date": case "datetime": case "blob": return trimmed;
      case "bigint": return trimmed;  // larger ones than a number of this language can hold travel as text
      case "bool":
        if (trimmed !== "true" && trimmed !== "false") throw new Error(`$${descriptor.name} is true or false`);
        return trimmed === "true";
      case "int": case "float": {
        const number = Number(trimmed);
        if (Number.isNaN(number)) throw new Error(`$${descriptor.name} is a number`);
        return number;
      }
      default:
        try {
          return JSON.parse(trimmed);
        } catch {
          throw new Error(`$${descriptor.name} is a JSON ${descriptor.kind}`);
        }
    }
  }

  const count = number => number.toLocaleString("en-US");
  const time = micros => new Date(micros / 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");

  return {cell, readPlace, writePlace, parameter, count, time};
})();

if (typeof module !== "undefined") module.exports = consoleText;
