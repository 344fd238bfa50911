import { readFile } from "node:fs/promises";
import { LogveilError } from "../../errors.ts";
import { readKeyFile } from "./key-file.ts";
import type { ReceiverOptions } from "./network-outputs.ts";
import type { NdjsonOptions } from "./ndjson-transport.ts";

/** Where network outputs go, as an operator writes it. What `outputs` names is there. */
export type ReceiverSettings = {
  readonly outputs: readonly string[];
  /** `tcp://host:port` or `tls://host:port`; `ca` names a PEM file. */
  readonly syslog: { readonly url: string | undefined; readonly ca: string | undefined };
  readonly otlp: { readonly url: string | undefined };
  readonly mezmo: { readonly url: string; readonly keyFile: string | undefined };
  readonly http: { readonly url: string | undefined; readonly headers: NdjsonOptions["headers"] };
};

/** RFC 6587 has no port of its own; 601 is syslog-conn (RFC 3195), which receivers listen on. 6514: RFC 5425. */
const PORTS: Readonly<Record<string, number>> = { "tcp:": 601, "tls:": 6514 };

/**
 * The receivers that `outputs` names. Rejects `certificate-unreadable`, `certificate-invalid`, `ingestion-key-exposed`,
 * `ingestion-key-unreadable`.
 */
export async function readReceivers(
  settings: ReceiverSettings,
): Promise<readonly ReceiverOptions[]> {
  const { outputs, syslog, otlp, mezmo, http } = settings;
  const receivers: ReceiverOptions[] = [];
  if (outputs.includes("syslog") && syslog.url !== undefined)
    receivers.push(await readSyslog(syslog.url, syslog.ca));
  if (outputs.includes("otlp") && otlp.url !== undefined)
    receivers.push({ kind: "otlp", url: otlp.url });
  if (outputs.includes("mezmo") && mezmo.keyFile !== undefined) {
    // Better now than at the first line.
    await readKeyFile(mezmo.keyFile);
    receivers.push({ kind: "mezmo", url: mezmo.url, keyFile: mezmo.keyFile });
  }
  if (outputs.includes("http") && http.url !== undefined)
    receivers.push({ kind: "http", url: http.url, headers: http.headers });
  return receivers;
}

async function readSyslog(url: string, caFile: string | undefined): Promise<ReceiverOptions> {
  const { protocol, hostname, port } = new URL(url);
  const ca = caFile === undefined ? undefined : await readCertificate(caFile);
  return {
    kind: "syslog",
    host: hostname.replaceAll(/^\[|\]$/g, ""),
    port: port === "" ? (PORTS[protocol] ?? 0) : Number(port),
    tls: protocol === "tls:" ? { ca } : undefined,
  };
}

async function readCertificate(path: string): Promise<Buffer> {
  const pem = await readFile(path).catch((cause: unknown) => {
    throw new LogveilError("certificate-unreadable", { cause });
  });
  // OpenSSL passes over what is no certificate, and would then trust nobody.
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new LogveilError("certificate-invalid");
  return pem;
}
