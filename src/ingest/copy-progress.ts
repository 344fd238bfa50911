import type { LineCounts } from "./line-counts.ts";

export type CopyProgress = {
  /** So many bytes of the input have been read, as it lies on the disk; the counts are those of all lines so far. */
  readonly show: (readBytes: number, counts: LineCounts) => void;
  /** Takes the line away again. */
  readonly clear: () => void;
};

const EVERY_MS = 500;
/** To the beginning of the line; what is left of the line before goes. */
const CLEAR = "\r\u001b[K";

/** One line that is written over itself. `totalBytes` undefined: nobody knows how much there is. */
export function createCopyProgress(
  totalBytes: number | undefined,
  write: (text: string) => unknown,
  monotonic: () => number,
): CopyProgress {
  const startedAt = monotonic();
  let shownAt = startedAt;
  let isShown = false;
  return {
    show: (readBytes, counts) => {
      const now = monotonic();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      isShown = true;
      write(
        `${CLEAR}${describe(readBytes, totalBytes, linesOf(counts), (now - startedAt) / 1000)}`,
      );
    },
    clear: () => void (isShown && write(CLEAR)),
  };
}

export function linesOf({ request, error, unparsed }: LineCounts): number {
  return request + error + unparsed;
}

function describe(
  readBytes: number,
  totalBytes: number | undefined,
  lines: number,
  seconds: number,
): string {
  const rate = `${Math.round(lines / seconds).toLocaleString("en-GB")} lines/s`;
  if (totalBytes === undefined || totalBytes === 0) return `${mebibytes(readBytes)}, ${rate}`;
  const share = Math.min(1, readBytes / totalBytes);
  const left = share === 0 ? "" : `, ${duration((seconds / share) * (1 - share))} left`;
  return `${mebibytes(readBytes)} of ${mebibytes(totalBytes)} (${String(Math.floor(share * 100))} %), ${rate}${left}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${String(hours)} h ${String(minutes)} min`;
  return minutes > 0 ? `${String(minutes)} min ${String(whole % 60)} s` : `${String(whole)} s`;
}
