// What holds for every answer of Databunker's dialect: headers, preflight, redirects, what a wrong path or method gets.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Express, Request, RequestHandler, Response } from "express";

/**
 * Left out of Databunker's set, because a sidecar speaks plain HTTP behind somebody else's TLS: Strict-Transport-Security with
 * preload would bind a whole domain, X-XSS-Protection makes old browsers less safe. `no-store` is ours: no cache keeps an identity.
 */
const HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
};

const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-headers":
    "Accept,  Content-Type, Content-Length, Accept-Encoding, X-Bunker-Token",
  "access-control-allow-methods": "POST, PUT, DELETE",
};

/** The answers are written as the dialect has them, so express adds nothing of its own and takes no path for another. */
export function applyConventions(app: Express): void {
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("strict routing");
  app.enable("case sensitive routing");
  app.enable("json escape");
  app.set("query parser", false);
  app.use(setCommonHeaders, refuseUndecodablePath);
}

/**
 * `app`, to which a request target that does not begin with `/` (`http://…`, `*`) is an unknown path. express answers those that it cannot
 * parse with a page of its own, before any of its handlers is asked, so they are seen to before express.
 */
export function withOwnTargetsOnly(app: Express): Express {
  return new Proxy(app, {
    apply: (target, _self, [request, response]: [IncomingMessage, ServerResponse]) => {
      // No route has this path.
      if (request.url?.startsWith("/") !== true) request.url = "/";
      return target(request, response);
    },
  });
}

export const setCommonHeaders: RequestHandler = (request, response, next) => {
  // Without it, `If-None-Match: *` would turn a look-up into an empty 304.
  delete request.headers["if-none-match"];
  response.set(HEADERS);
  next();
};

/** express would decode such a path only behind the route, and then answer with a page of its own. */
const refuseUndecodablePath: RequestHandler = (request, response, next) => {
  if (isDecodable(request.path)) next();
  else answerUnknownPath(request, response);
};

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false; // URIError is the only one it throws
  }
}

export function answerUnknownPath(_request: Request, response: Response): void {
  // Byte for byte as Databunker writes it, with the space after the comma.
  response.status(404).type("json").send('{"status":"error", "message":"endpoint is missing"}');
}

export function answerWrongMethod(allow: string): RequestHandler {
  return (_request, response) => {
    response.status(405).set("allow", allow).type("text/plain").send("Method Not Allowed\n");
  };
}

/** Before the handlers of a path where asking changes something: what `HEAD` asks is to be safe to ask. */
export function refuseHead(allow: string): RequestHandler {
  const refuse = answerWrongMethod(allow);
  return (request, response, next) =>
    request.method === "HEAD" ? refuse(request, response, next) : next();
}

export function answerPreflight(allow: string): RequestHandler {
  return (_request, response) => {
    response.status(204).set(PREFLIGHT_HEADERS).set("allow", allow).end();
  };
}

/** To the path without its trailing slash; 307 keeps method and body, and old clients know 301 for GET. */
export const redirectTrailingSlash: RequestHandler = (request, response) => {
  const query = request.originalUrl.indexOf("?");
  const search = query === -1 ? "" : request.originalUrl.slice(query);
  const isRead = request.method === "GET" || request.method === "HEAD";
  response
    .status(isRead ? 301 : 307)
    .set("location", request.path.slice(0, -1) + search)
    .type("text/plain")
    .send(isRead ? "Moved Permanently\n" : "Temporary Redirect\n");
};
