import { crc32 } from "node:zlib";

/** One line on its way over the network. */
export type Entry = {
  /** When it happened, ms since 1970: of a request its first byte. */
  readonly happenedAtMs: number;
  /** The same in every delivery of the line, and of no other, so that a receiver can tell a repetition. */
  readonly id: string;
  /** As the format wrote it, without the newline: printable ASCII. */
  readonly line: string;
};

const ENTRY = /^([0-9a-f]{8}) (\d{1,16}) ([\x21-\x7e]{1,128}) ([\x20-\x7e]*)$/;

/** `<CRC-32 of the rest, 8 hex digits> <ms since 1970> <id> <line>`. Here, `line` ends with its newline. */
export function formatEntry({ happenedAtMs, id, line }: Entry): string {
  const rest = `${String(Math.max(0, Math.floor(happenedAtMs)))} ${id} ${line}`;
  return `${checksum(rest.slice(0, -1))} ${rest}`;
}

/** `text` is without its newline. Undefined for what `formatEntry` did not write like that: torn, or changed on the disk. */
export function findEntry(text: string): Entry | undefined {
  const [, sum, time = "", id = "", line = ""] = ENTRY.exec(text) ?? [];
  if (sum === undefined || checksum(text.slice(9)) !== sum) return undefined;
  return { happenedAtMs: Number(time), id, line };
}

function checksum(text: string): string {
  return crc32(Buffer.from(text, "latin1")).toString(16).padStart(8, "0");
}
