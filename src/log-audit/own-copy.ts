/** The same text in memory of its own: V8's slices keep the whole text alive that they were cut from, here a chunk of a log. */
export function ownCopyOf(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
