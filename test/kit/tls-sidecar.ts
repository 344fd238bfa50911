import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startRunningSidecar } from "./running-sidecar.ts";
import type { RunningSidecar, Settings } from "./running-sidecar.ts";
import { SELF_SIGNED } from "./self-signed.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

/** The self-signed certificate and its key as files in `folder`; what `proxy.tls` names. */
export async function writeCertificate(
  folder: string,
  { cert, key }: { readonly cert: string; readonly key: string } = SELF_SIGNED,
): Promise<{ readonly cert: string; readonly key: string }> {
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  return files;
}

/** A running sidecar behind TLS. `proxy` is merged over `proxy.tls`. */
export async function startTlsSidecar(
  upstream: string,
  proxy: Settings = {},
): Promise<RunningSidecar> {
  const folder = await createTemporaryFolder();
  const tls = await writeCertificate(folder.path);
  const sidecar = await startRunningSidecar({ upstream, settings: { proxy: { tls, ...proxy } } });
  return {
    ...sidecar,
    [Symbol.asyncDispose]: async () => {
      await sidecar[Symbol.asyncDispose]();
      await folder.remove();
    },
  };
}
