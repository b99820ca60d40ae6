// What the console shows, as text: pure functions without a page, so that they can be tried without a browser.
"use strict";

const consoleText = (() => {
  // JSON whose integers beyond 2^53 become BigInts, digit for digit. On the way through JSON.parse they are strings
  // behind U+0001, which has one spelling in JSON; a string that begins with one gets another in front.
  function parseJson(text) {
    let found = false;
    const marked = text.replace(/"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*/g, (token, name) => {
      if (token[0] === '"') return name === undefined && token.startsWith('"\\u0001') ? '"\\u0001' + token.slice(1) : token;
      if (!/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))) return token;
      found = true;
      return `"\\u0001${token}"`;
    });
    if (!found) return JSON.parse(text);
    return JSON.parse(marked, (_, value) => {
      if (typeof value !== "string" || value[0] !== "\u0001") return value;
      return value[1] === "\u0001" ? value.slice(1) : BigInt(value.slice(1));
    });
  }

  // The other way round.
  function writeJson(value) {
    if (typeof value === "bigint") return value.toString();
    if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join(",")}}`;
  }

  // A cell of a result: strings as they are, long vectors folded, the rest as JSON.
  function cell(value) {
    if (value === null || value === undefined) return "null";
    if (typeof value === "string") return value;
    if (Array.isArray(value) && value.length > 8 && value.every(item => typeof item === "number" || typeof item === "bigint")) {
      return `[${value.slice(0, 4).join(", ")}, … ${value.length} numbers]`;
    }
    return writeJson(value);
  }

  // The names of the properties in which two images of an entity differ.
  function changedFields(before, after) {
    return Object.keys(after.properties).filter(key => writeJson(before.properties[key]) !== writeJson(after.properties[key]));
  }

  // What nobody could have encoded so is taken as it is.
  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  // #/graphs/<id>/<page>?branch=<b>&at=<commit>; everything a reload needs.
  function readPlace(hash) {
    const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
    const [, graph = "", page = ""] = path.split("/");
    const given = new URLSearchParams(query);
    return {graph: decoded(graph), page: page || "overview", branch: given.get("branch") || "main", at: given.get("at") || ""};
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
          return parseJson(trimmed);
        } catch {
          throw new Error(`$${descriptor.name} is a JSON ${descriptor.kind}`);
        }
    }
  }

  const count = number => number.toLocaleString("en-US");
  const time = micros => new Date(micros / 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");

  return {parseJson, writeJson, cell, changedFields, readPlace, writePlace, parameter, count, time};
})();

if (typeof module !== "undefined") module.exports = consoleText;
