import { exchangeRaw, head } from "../../kit/raw-client.ts";
import { startRecordingUpstream } from "../../kit/recording-upstream.ts";
import type { ReceivedRequest, RecordingUpstream } from "../../kit/recording-upstream.ts";
import { startRunningSidecar } from "../../kit/running-sidecar.ts";
import type { RunningSidecar, Settings } from "../../kit/running-sidecar.ts";

/** A sidecar in front of a recording upstream, for the tests of one file. */
export type ProxiedPair = AsyncDisposable & {
  readonly upstream: RecordingUpstream;
  readonly sidecar: RunningSidecar;
  readonly port: number;
  /** Sends `bytes` on a connection of their own and gives everything that comes back until it is closed. */
  readonly send: (bytes: string | Uint8Array) => Promise<string>;
  /** Sends a request that must be answered 200, and gives it as the upstream got it. `lines` without Host and Connection. */
  readonly forwarded: (
    requestLine: string,
    ...lines: readonly string[]
  ) => Promise<ReceivedRequest>;
  /** The same for whole bytes. */
  readonly forwardedBytes: (bytes: string | Uint8Array) => Promise<ReceivedRequest>;
};

export async function startProxiedPair(settings: Settings = {}): Promise<ProxiedPair> {
  const upstream = await startRecordingUpstream();
  const sidecar = await startRunningSidecar({ upstream: upstream.url, settings });
  const port = sidecar.proxyPort;
  const send = (bytes: string | Uint8Array) => exchangeRaw(port, bytes);
  const forwardedBytes = async (bytes: string | Uint8Array) => {
    upstream.forget();
    const answer = await send(bytes);
    if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`answered ${answer.slice(0, 40)}`);
    return upstream.request(0);
  };
  return {
    upstream,
    sidecar,
    port,
    send,
    forwardedBytes,
    forwarded: (requestLine, ...lines) =>
      forwardedBytes(head(requestLine, "Host: h", "Connection: close", ...lines)),
    [Symbol.asyncDispose]: async () => {
      await sidecar[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
}

/** The status codes of all answers in `received`, interim ones left out. */
export function statusesIn(received: string): readonly number[] {
  return [...received.matchAll(/HTTP\/1\.1 (?<status>[2-5]\d\d) /g)].map((match) =>
    Number(match.groups?.["status"]),
  );
}
