/** A session as a caller sees it, whoever made it. */
export type SessionView = {
  /** Canonical: lower-case UUID. */
  readonly session: string;
  /** Unix seconds: a proxied session's first request, or when a caller last wrote it. */
  readonly when: number;
  readonly data: Readonly<Record<string, unknown>>;
};
