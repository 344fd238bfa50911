/** The 100 bytes that every upstream of the benchmark answers; printable, and a line feed at the end. */
export const ANSWER = "logveil".padEnd(99, "-100-bytes").concat("\n");
