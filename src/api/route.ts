// Routes as a table: what is listed is what is registered, and docs/api.md is compared with what is registered.

import type { IncomingHttpHeaders } from "node:http";
import type { Express, Request, RequestHandler, Response } from "express";
import type { Caller } from "../callers/caller.ts";
import { isPermitted } from "../callers/role.ts";
import type { Permission } from "../callers/role.ts";
import { LogveilError } from "../errors.ts";
import { noteCaller } from "./databunker/failure.ts";
import {
  answerPreflight,
  answerUnknownPath,
  answerWrongMethod,
  refuseHead,
  redirectTrailingSlash,
} from "./databunker/conventions.ts";

export type Route = {
  readonly method: "get" | "post" | "put" | "delete";
  readonly path: string;
  readonly handler: RequestHandler;
  /** For a `get` that uses something up or sends something: `HEAD`, which clients and scanners send without a thought, is not answered. */
  readonly hasEffect?: boolean;
};

/** Who sent the request; undefined for nobody that may come in. Rejects `store-unavailable` when that cannot be told. */
export type Access = (headers: IncomingHttpHeaders) => Promise<Caller | undefined>;

type Handler<Who> = (caller: Who, request: Request, response: Response) => Promise<void>;

/**
 * For the routes of the vault: hands on who is calling, if anybody, and `operate` (vault/operation.ts) decides, so that a denial is in
 * the trail too. SECURITY: `handler` goes to `operate` at once; the path's parameters, the body and the store are looked at inside it.
 */
export function forAnyCaller(access: Access, handler: Handler<Caller | undefined>): RequestHandler {
  return async (request, response) => {
    const caller = await access(request.headers);
    noteCaller(response, caller);
    await handler(caller, request, response);
  };
}

/** For what is not in the vault and has no trail: the permission is checked here, before anything of the request is looked at. */
export function forCaller(
  access: Access,
  permission: Permission,
  handler: Handler<Caller>,
): RequestHandler {
  return forAnyCaller(access, async (caller, request, response) => {
    if (caller === undefined || !isPermitted(caller.role, permission)) {
      throw new LogveilError("access-denied");
    }
    await handler(caller, request, response);
  });
}

/** Registers `routes`, and beside each path what the dialect answers to OPTIONS, to other methods and to a trailing slash. */
export function registerRoutes(app: Express, routes: readonly Route[]): void {
  const byPath = Map.groupBy(routes, (route) => route.path);
  for (const [path, routesOfPath] of byPath) {
    const allow = allowedMethods(routesOfPath);
    const registered = app.route(path);
    if (!isSafeToRead(routesOfPath)) registered.all(refuseHead(allow));
    for (const { method, handler } of routesOfPath) registered[method](handler);
    registered.options(answerPreflight(allow)).all(answerWrongMethod(allow));
    if (!path.endsWith("/") && !byPath.has(`${path}/`))
      app.route(`${path}/`).all(redirectTrailingSlash);
  }
  app.use(answerUnknownPath);
}

function allowedMethods(routes: readonly Route[]): string {
  const methods = routes.map((route) => route.method.toUpperCase());
  const implied =
    methods.includes("GET") && isSafeToRead(routes) ? ["HEAD", "OPTIONS"] : ["OPTIONS"];
  return [...methods, ...implied].sort().join(", ");
}

function isSafeToRead(routes: readonly Route[]): boolean {
  return !routes.some(({ hasEffect }) => hasEffect === true);
}
