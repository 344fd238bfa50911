import type { RequestHandler } from "express";
import type { Metrics } from "../metrics.ts";
import type { Route } from "./route.ts";

/** Why the sidecar is not ready; listed in docs/api.md. */
export const UNREADY_REASONS = ["draining", "session-records-lost", "store-unavailable"] as const;

export type UnreadyReason = (typeof UNREADY_REASONS)[number];

/** Empty when all is well. Called for each request to /readyz, so it must be cheap. */
export type Health = () => readonly UnreadyReason[];

/** Shows on /metrics what /readyz says. */
export function showReadiness({ unready }: Pick<Metrics, "unready">, health: Health): void {
  unready.readFrom(() => {
    const reasons = health();
    return UNREADY_REASONS.map((reason) => [{ reason }, reasons.includes(reason) ? 1 : 0] as const);
  });
}

/** What orchestrators and monitoring ask for; open to everybody who reaches the listener, and says nothing about anybody. */
export function createOperationsRoutes(
  health: Health,
  registry: Metrics["registry"],
): readonly Route[] {
  const status: RequestHandler = (_request, response) => {
    response.type("text/plain").send("OK");
  };
  const ready: RequestHandler = (_request, response) => {
    const reasons = health();
    if (reasons.length === 0) response.json({ status: "ready" });
    else response.status(503).json({ status: "unavailable", reasons });
  };
  const metrics: RequestHandler = async (_request, response) => {
    response.set("content-type", registry.contentType).send(await registry.metrics());
  };
  return [
    ...["/status", "/status/", "/v1/status", "/v1/status/", "/healthz"].map((path) => ({
      method: "get" as const,
      path,
      handler: status,
    })),
    { method: "get", path: "/readyz", handler: ready },
    { method: "get", path: "/metrics", handler: metrics },
    { method: "get", path: "/v1/metrics", handler: metrics },
  ];
}
