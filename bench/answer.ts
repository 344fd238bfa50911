/** The 100 bytes that every upstream of the benchmark answers; printable, and a line feed at the end. */
export const ANSWER = "logveil".padEnd(99, "-100-bytes").concat("\n");

const LINE_BYTES = 16;

/** `bytes` bytes of text in which no two lines are alike, so that a digest notices what is lost, doubled or out of order. */
export function contentOf(bytes: number): Buffer {
  const lines: string[] = [];
  for (let at = 0; at < bytes; at += LINE_BYTES) {
    lines.push(`${String(at).padStart(LINE_BYTES - 1, "0")}\n`);
  }
  return Buffer.from(lines.join("")).subarray(0, bytes);
}
