import { openRawClient } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";
import { startRecordingUpstream } from "./recording-upstream.ts";
import type { RecordingUpstream } from "./recording-upstream.ts";
import { startRunningSidecar } from "./running-sidecar.ts";
import type { RunningSidecar, Settings } from "./running-sidecar.ts";

/** A sidecar with a recording upstream behind it, for tests that only talk through the two. */
export type ProxiedUpstream = AsyncDisposable & {
  readonly upstream: RecordingUpstream;
  readonly sidecar: RunningSidecar;
  /** A new connection to the proxy. */
  readonly connect: () => Promise<RawClient>;
  /** Value of a counter or gauge on /metrics, all its series together. */
  readonly metric: (name: string) => Promise<number>;
};

/** `proxy` is that group of config.yaml. */
export async function startProxiedUpstream(proxy: Settings = {}): Promise<ProxiedUpstream> {
  const upstream = await startRecordingUpstream();
  const sidecar = await startRunningSidecar({ upstream: upstream.url, settings: { proxy } });
  return {
    upstream,
    sidecar,
    connect: () => openRawClient(sidecar.proxyPort),
    metric: async (name) => {
      const text = await (await fetch(`${sidecar.vaultUrl}/metrics`)).text();
      const series = text.split("\n").filter((line) => line.match(/^\w+/)?.[0] === name);
      return series.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    [Symbol.asyncDispose]: async () => {
      await sidecar[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
}
