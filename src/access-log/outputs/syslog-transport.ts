import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Entry } from "./entry.ts";
import type { Outcome, Transport } from "./transport.ts";

export type SyslogOptions = {
  readonly host: string;
  readonly port: number;
  /** TLS, where it is there; `ca` (PEM) in place of the system's certificate authorities. */
  readonly tls?: { readonly ca?: Buffer | undefined } | undefined;
  readonly hostName: string;
  /** Without a byte in either direction; a batch has three times as long, whatever comes. 10 s unless told. */
  readonly timeoutMs?: number | undefined;
};

const TIMEOUT_MS = 10_000;
const TIMEOUTS_IN_ALL = 3;
/** RFC 5424 section 6.2.1: facility local0 (16), severity informational (6). */
const PRIORITY = 16 * 8 + 6;

/**
 * RFC 5424 messages with octet counting (RFC 6587 section 3.4.1; over TLS RFC 5425). Syslog has no answer, and what a kernel has taken
 * may never reach the receiver. So a connection is for one batch: it is delivered when the receiver, having read it to the end, closes
 * its side without an error.
 */
export function createSyslogTransport(options: SyslogOptions): Transport {
  return {
    name: "syslog",
    send: (entries, signal) => {
      const frames = entries.map((entry) => frameOf(entry, options.hostName)).join("");
      return deliver(options, Buffer.from(frames, "latin1"), signal);
    },
  };
}

function frameOf({ happenedAtMs, id, line }: Entry, hostName: string): string {
  const time = new Date(happenedAtMs).toISOString();
  // 32473 is the enterprise number of examples (RFC 5612): we have none, and the parameter is for our readers only.
  const structured = `[logveil@32473 id="${id.replaceAll(/["\\\]]/g, "\\$&")}"]`;
  const header = `<${String(PRIORITY)}>1 ${time} ${hostName} logveil - access ${structured}`;
  const message = `${header} ${line}`;
  return `${String(message.length)} ${message}`;
}

function deliver(options: SyslogOptions, bytes: Buffer, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect(options);
    const abort = () => socket.destroy();
    const { timeoutMs = TIMEOUT_MS } = options;
    let isReadToEnd = false;
    socket.setTimeout(timeoutMs, abort);
    // SECURITY: each byte from the receiver begins the time-out above anew, and we read them all.
    const deadline = setTimeout(abort, timeoutMs * TIMEOUTS_IN_ALL).unref();
    signal.addEventListener("abort", abort, { once: true });
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => socket.end(bytes));
    // A receiver that closes before it has been told of our end may not have read all.
    socket.once("end", () => (isReadToEnd = socket.writableFinished));
    // SECURITY: not reported with its cause, which names addresses.
    socket.once("error", () => (isReadToEnd = false));
    socket.once("close", () => {
      clearTimeout(deadline);
      signal.removeEventListener("abort", abort);
      resolve(isReadToEnd ? { kind: "delivered", rejected: 0 } : { kind: "away" });
    });
    socket.resume();
    if (signal.aborted) abort();
  });
}

/** SECURITY: over TLS the receiver's certificate is checked, its name included; there is no way to do without. */
function connect({ host, port, tls }: SyslogOptions): Socket {
  if (tls === undefined) return connectTcp({ host, port });
  const { ca } = tls;
  // Said, because NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would be the default.
  const checked = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
  return connectTls({ host, port, minVersion: "TLSv1.2", ...checked });
}
