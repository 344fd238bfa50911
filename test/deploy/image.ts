import { readFileSync } from "node:fs";

export type Image = {
  /** User and group id. */
  readonly user: string;
  readonly port: number;
  readonly volume: string;
  /** Where the image looks for its configuration. */
  readonly configFile: string;
};

/** What the Dockerfile promises to whoever runs the image. */
export function readImage(): Image {
  const last =
    readFileSync("Dockerfile", "utf8")
      .split(/^FROM /m)
      .at(-1) ?? "";
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(last)?.[1];
    if (found === undefined) throw new Error(`the Dockerfile has no ${String(pattern)}`);
    return found;
  };
  return {
    user: find(/^USER (.+)$/m),
    port: Number(find(/^EXPOSE (\d+)$/m)),
    volume: find(/^VOLUME (.+)$/m),
    configFile: find(/^ENV .*\bLOGVEIL_CONFIG=(\S+)/m),
  };
}
