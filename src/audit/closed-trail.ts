import { LogveilError } from "../errors.ts";
import type { AuditTrail } from "./trail.ts";

/**
 * Stands for a trail that is damaged: it takes no event, so nothing can be asked of the vault, while the proxy goes on. Everything rejects
 * `audit-corrupt`.
 */
export function createClosedTrail(): AuditTrail {
  const refuse = () => Promise.reject(new LogveilError("audit-corrupt"));
  return { append: refuse, list: refuse, find: refuse, verify: refuse, retire: refuse };
}
