import { createCombinedFormat } from "./combined-format.ts";
import { createEcsFormat } from "./ecs-format.ts";
import type { Format, FormatOptions } from "./format.ts";
import { createJsonFormat } from "./json-format.ts";
import { createEcsTextFormat, createJsonTextFormat, createPlainTextFormat } from "./text-entry.ts";
import type { TextFormat } from "./text-entry.ts";

const FORMATS = {
  json: createJsonFormat,
  ecs: createEcsFormat,
  combined: createCombinedFormat,
} as const;

const TEXT_FORMATS = {
  json: createJsonTextFormat,
  ecs: createEcsTextFormat,
  combined: createPlainTextFormat,
} as const;

export type FormatName = keyof typeof FORMATS;

/** How finished requests are written, and beside them what is about none. */
export type LineFormats = { readonly exchange: Format; readonly text: TextFormat };

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);

export function createLineFormats(name: FormatName, options: FormatOptions): LineFormats {
  return { exchange: FORMATS[name](options), text: TEXT_FORMATS[name](options) };
}
