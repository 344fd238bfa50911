// What logveil is compared with: http-proxy-middleware on node:http with kept-alive connections to the upstream, and nothing
// else: no token, no log. Arguments: upstream, port.

import { Agent, createServer } from "node:http";
import { createProxyMiddleware } from "http-proxy-middleware";

const [upstream = "", port = "0"] = process.argv.slice(2);
const proxy = createProxyMiddleware({ target: upstream, agent: new Agent({ keepAlive: true }) });

createServer((request, response) => {
  void proxy(request, response);
}).listen(Number(port), "127.0.0.1");
