import type { Exchange } from "./exchange.ts";

/** Turns an exchange into one line: printable ASCII, ended by the one newline it contains. */
export type Format = (exchange: Exchange) => string;

/** What the operator lets a line say about the client, beside what the exchange says anyway. */
export type FormatOptions = {
  /** `sealed` writes the encrypted identity beside the token, `none` neither, and no token in either spelling. */
  readonly identity: "token" | "sealed" | "none";
  /** `none` writes no user agent, however coarse. */
  readonly userAgent: "family" | "none";
};
