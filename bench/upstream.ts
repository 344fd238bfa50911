// The upstream where nginx is not installed: the same 100 bytes to every request. Arguments: port.

import { createServer } from "node:http";
import { ANSWER } from "./answer.ts";

createServer((request, response) => {
  request.resume();
  response.setHeader("Content-Type", "text/plain");
  response.end(ANSWER);
}).listen(Number(process.argv[2] ?? 0), "127.0.0.1");
