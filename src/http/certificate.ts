import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { LogveilError } from "../errors.ts";

/** The oldest version that is spoken, towards clients and upstream (RFC 8996). */
export const MIN_TLS_VERSION = "TLSv1.2";

/** Names of PEM files; `cert` and `key` both or neither. */
export type TlsFiles = {
  readonly ca?: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
};

/** What the files hold, for node:tls. */
export type TlsMaterial = {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
};

/**
 * Reads the files and tries them out together. Rejects `certificate-unreadable`, or `certificate-invalid` when they are not PEM, need a
 * passphrase or do not belong together.
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([read(files.ca), read(files.cert), read(files.key)]);
  const material = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext({ ...material, minVersion: MIN_TLS_VERSION });
  } catch (cause) {
    throw new LogveilError("certificate-invalid", { cause });
  }
  // OpenSSL passes over what is no certificate, and would then trust nobody.
  if (ca !== undefined && !ca.includes("-----BEGIN CERTIFICATE-----"))
    throw new LogveilError("certificate-invalid");
  return material;
}

async function read(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new LogveilError("certificate-unreadable", { cause });
  }
}
