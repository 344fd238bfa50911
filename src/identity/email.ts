/**
 * The form in which two spellings of one e-mail address are equal: percent-decoded, in lower case, without the space around it. A plus
 * stays a plus. Undefined when nothing is left, or when a percent sign is not the beginning of an encoded byte.
 */
export function canonicalEmail(text: string): string | undefined {
  const decoded = findDecoded(text);
  const canonical = decoded?.toLowerCase().trim() ?? "";
  return canonical === "" ? undefined : canonical;
}

function findDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // URIError is the only one it throws
  }
}
