// The OpenAPI 3.1 description of the vault API, made from one table that a test compares with the routes that are registered.

import type { RequestHandler } from "express";
import { ROUTE_DESCRIPTIONS } from "./route-descriptions.ts";
import type { Route } from "./route.ts";

/** What a route takes beside its path: a JSON object or form, a JSON object or JSON Patch, or nothing. */
type Body = "object" | "object or patch" | "none";

export type RouteDescription = {
  readonly summary: string;
  readonly body: Body;
  /** Whether an access token is needed; some are open to the bearer of what stands in their path. */
  readonly isOpen: boolean;
};

const BODIES: Readonly<Record<Exclude<Body, "none">, readonly string[]>> = {
  object: ["object"],
  "object or patch": ["object", "array"],
};

/** Serves the description at `/openapi.json`; open, as it says nothing about anybody. */
export function createOpenApiRoutes(): readonly Route[] {
  const document = createOpenApi(ROUTE_DESCRIPTIONS, VERSION);
  const handler: RequestHandler = (_request, response) => {
    response.json(document);
  };
  return [{ method: "get", path: "/openapi.json", handler }];
}

/** Of the API, not of the program. */
const VERSION = "1.0.0";

/** `descriptions` by `METHOD /path/:parameter`. */
export function createOpenApi(
  descriptions: Readonly<Record<string, RouteDescription>>,
  version: string,
): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [route, description] of Object.entries(descriptions)) {
    const [method = "", path = ""] = route.split(" ");
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[template] ??= {};
    paths[template][method.toLowerCase()] = operationOf(path, description);
  }
  return {
    openapi: "3.1.0",
    info: { title: "logveil vault", version, license: { name: "MIT", identifier: "MIT" } },
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, responses: RESPONSES },
  };
}

function operationOf(path: string, { summary, body, isOpen }: RouteDescription) {
  const parameters = [...path.matchAll(/:(\w+)/g)].map((found) => ({
    name: found[1] ?? "",
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === "none" ? {} : { requestBody: requestBodyOf(body) }),
    security: isOpen ? [] : [{ bunkerToken: [] }, { bearer: [] }],
    responses: {
      "200": { $ref: "#/components/responses/ok" },
      "403": { $ref: "#/components/responses/denied" },
      "405": { $ref: "#/components/responses/failed" },
    },
  };
}

function requestBodyOf(body: Exclude<Body, "none">) {
  const json = { schema: { type: BODIES[body] } };
  const form = { schema: { type: "object" } };
  return { content: { "application/json": json, "application/x-www-form-urlencoded": form } };
}

const SECURITY_SCHEMES = {
  bunkerToken: { type: "apiKey", in: "header", name: "X-Bunker-Token" },
  bearer: { type: "http", scheme: "bearer" },
};

const RESPONSES = {
  ok: { description: "Done", content: { "application/json": { schema: { type: "object" } } } },
  denied: {
    description: "The caller may not do this, whether or not the thing exists",
    content: { "text/plain": { schema: { const: "Access denied" } } },
  },
  failed: {
    description:
      "Refused, not found or not understood; 400, 401, 404 or 409 with `statusCodes: strict`",
    content: {
      "application/json": {
        schema: {
          type: "object",
          required: ["status", "message"],
          properties: { status: { const: "error" }, message: { type: "string" } },
        },
      },
    },
  },
};
