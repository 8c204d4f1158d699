// Reads the AsyncAPI document on standard input; prints what the parser found in it, and every diagnostic, as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const found = document && {
  channels: document.channels().all().map((channel) => channel.address()),
  messages: document.allMessages().all().map((message) => message.name()),
  operations: document.operations().all().map((operation) => `${operation.action()} ${operation.id()}`),
};
const said = diagnostics.map(({ severity, path, message }) => ({ severity, path: path.join("."), message }));
console.log(JSON.stringify({ found: found ?? null, diagnostics: said }));
