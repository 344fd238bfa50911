import type { Document, Documents, Table } from "../store/documents.ts";

/** Documents whose `table` and `prefix` say that something was begun and is not finished. */
export type Unfinished = { readonly table: Table; readonly prefix?: string };

/**
 * Gives each of them to `finish`, which removes it; resolves how many those were. Of one that cannot be finished the others learn
 * nothing: rejects with the first failure when all have been tried.
 */
export async function resumeEach(
  documents: Documents,
  { table, prefix = "" }: Unfinished,
  finish: (document: Document) => Promise<unknown>,
): Promise<number> {
  const failures: unknown[] = [];
  let from = prefix;
  for (let count = 0; ;) {
    const slice = await documents.list(table, { prefix, from });
    const last = slice.at(-1);
    if (last === undefined && failures.length > 0) throw failures[0];
    if (last === undefined) return count;
    for (const document of slice) {
      try {
        await finish(document);
        count += 1;
      } catch (error) {
        failures.push(error);
      }
    }
    // The key behind the last one: what has failed is still there.
    from = `${last.key}\0`;
  }
}
