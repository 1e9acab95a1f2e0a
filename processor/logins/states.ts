/** USPS codes of the fifty states and the District of Columbia, in ascending order, with their names. */
const NAMES = {
  AK: 'Alaska',
  AL: 'Alabama',
  AR: 'Arkansas',
  AZ: 'Arizona',
  CA: 'California',
  CO: 'Colorado',
  CT: 'Connecticut',
  DC: 'District of Columbia',
  DE: 'Delaware',
  FL: 'Florida',
  GA: 'Georgia',
  HI: 'Hawaii',
  IA: 'Iowa',
  ID: 'Idaho',
  IL: 'Illinois',
  IN: 'Indiana',
  KS: 'Kansas',
  KY: 'Kentucky',
  LA: 'Louisiana',
  MA: 'Massachusetts',
  MD: 'Maryland',
  ME: 'Maine',
  MI: 'Michigan',
  MN: 'Minnesota',
  MO: 'Missouri',
  MS: 'Mississippi',
  MT: 'Montana',
  NC: 'North Carolina',
  ND: 'North Dakota',
  NE: 'Nebraska',
  NH: 'New Hampshire',
  NJ: 'New Jersey',
  NM: 'New Mexico',
  NV: 'Nevada',
  NY: 'New York',
  OH: 'Ohio',
  OK: 'Oklahoma',
  OR: 'Oregon',
  PA: 'Pennsylvania',
  RI: 'Rhode Island',
  SC: 'South Carolina',
  SD: 'South Dakota',
  TN: 'Tennessee',
  TX: 'Texas',
  UT: 'Utah',
  VA: 'Virginia',
  VT: 'Vermont',
  WA: 'Washington',
  WI: 'Wisconsin',
  WV: 'West Virginia',
  WY: 'Wyoming',
} as const;

export type StateCode = keyof typeof NAMES;

export const STATE_NAMES: Readonly<Record<StateCode, string>> = Object.freeze(NAMES);

/** All 51, ascending: the order that breaks every tie. */
export const STATE_CODES: readonly StateCode[] = Object.freeze(Object.keys(NAMES).sort() as StateCode[]);

export function isStateCode(text: string): text is StateCode {
  return Object.hasOwn(NAMES, text);
}

const LETTERS = 26;
const UPPER_A = 0x41;
const BY_LETTERS: readonly (StateCode | null)[] = Array.from({ length: LETTERS * LETTERS }, (_, i) => {
  const text = String.fromCharCode(UPPER_A + Math.floor(i / LETTERS), UPPER_A + (i % LETTERS));
  return isStateCode(text) ? text : null;
});

/**
 * The state of two ASCII letters in any case, given as character codes; null for anything else. No other alphabet's
 * letters are folded into these: upper-casing text would turn the ligature in `\uFB02` into `FL`.
 */
export function stateOfLetters(first: number, second: number): StateCode | null {
  const a = (first | 0x20) - 0x61;
  const b = (second | 0x20) - 0x61;
  if (a < 0 || a >= LETTERS || b < 0 || b >= LETTERS) return null;
  return BY_LETTERS[a * LETTERS + b] ?? null;
}
