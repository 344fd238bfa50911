import { isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max";

/** A number for trying things out, which no country has; kept as it is. */
const TEST_NUMBER = "4444";

/**
 * `+`, country code and national number without leading zeros or extension, so that all ways to dial one number are equal.
 * Undefined for what libphonenumber cannot read; whether the number is in use is not asked.
 *
 * @param defaultCountry ISO 3166-1 alpha-2: where numbers without + are dialled.
 */
export function canonicalPhone(text: string, defaultCountry: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === TEST_NUMBER) return TEST_NUMBER;
  const country = isSupportedCountry(defaultCountry) ? { defaultCountry } : {};
  const number = parsePhoneNumberFromString(trimmed, country);
  if (number === undefined || !/^\d+$/.test(number.nationalNumber)) return undefined;
  return `+${number.countryCallingCode}${String(BigInt(number.nationalNumber))}`;
}
