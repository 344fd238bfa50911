/** What became of lines. */
export type LineCounts = {
  /** About a request: the ones that tools count. */
  request: number;
  /** Of an error log. */
  error: number;
  /** Scrubbed as text, and marked. */
  unparsed: number;
  /** Among those: longer than a line may be, and cut. */
  cut: number;
};

export function noLines(): LineCounts {
  return { request: 0, error: 0, unparsed: 0, cut: 0 };
}
