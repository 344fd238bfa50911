import type { KeyObject } from "node:crypto";
import { mac } from "../keys/mac.ts";

const ADDRESS_MAC_BYTES = 16;

/**
 * The entry of the address index: 16 bytes, under the epoch's address key. A session that many identities share is entered
 * under its scope, so a search by IPv6 address also asks for the address's /64.
 */
export function addressMac(key: KeyObject, address: string): Buffer {
  return mac(key, address).subarray(0, ADDRESS_MAC_BYTES);
}
