import type { DeadLetter } from './dead-letters-topic.ts';

/** Everything else would move a cursor, change a colour, turn the direction of text, or not be seen. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Bytes as text that is safe on any terminal and says what they are: printable characters stand for themselves, others
 * are `\n`, `\r`, `\t` or `\u{…}`, and bytes that are no UTF-8 are `\x…`.
 */
export function safeText(bytes: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const character = bytes.toString('utf8', at, at + length);
    // What is overlong, cut off, a surrogate or no character at all does not come back as it was.
    if (!Buffer.from(character).equals(bytes.subarray(at, at + length))) {
      parts.push(`\\x${first.toString(16).padStart(2, '0')}`);
      at += 1;
      continue;
    }
    parts.push(
      SHORT_ESCAPES[character] ??
        (PRINTABLE.test(character) ? character : `\\u{${(character.codePointAt(0) as number).toString(16)}}`),
    );
    at += length;
  }
  return parts.join('');
}

const safe = (text: string): string => safeText(Buffer.from(text));

/** JSON in printable ASCII alone. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\u0020-\u007e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function originText({ origin }: Pick<DeadLetter, 'origin'>): string {
  return origin === null ? 'unknown' : safe(`${origin.topic}-${String(origin.partition)}@${String(origin.offset)}`);
}

/** What `list` says of one dead letter, without its bytes. */
export interface Summary {
  readonly id: string;
  readonly origin: DeadLetter['origin'];
  readonly reason: string;
  readonly timestampMs: number;
  /** Of the value; null where there is none. */
  readonly sizeBytes: number | null;
  /** RFC 3339; null: never. */
  readonly redrivenAt: string | null;
}

const HEADINGS = ['DEAD LETTER', 'ORIGIN', 'REASON', 'TIME', 'BYTES', 'REDRIVEN'] as const;

export function summaryTable(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => [
    summary.id,
    originText(summary),
    safe(summary.reason) || 'unknown',
    timeText(summary.timestampMs),
    summary.sizeBytes === null ? 'no value' : String(summary.sizeBytes),
    summary.redrivenAt ?? '-',
  ]);
  const widths = HEADINGS.map((heading, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] as string).length), heading.length),
  );
  return [HEADINGS, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] as number))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export function summaryJson({ timestampMs, ...summary }: Summary): string {
  return `${safeJson({ ...summary, time: timeText(timestampMs) })}\n`;
}

/** RFC 3339; a time that no calendar has stays a number. */
export function timeText(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString();
}

/** So much of a value is shown: more is for --json. */
const SHOWN_BYTES = 4_096;

function shown(bytes: Buffer | null): string {
  if (bytes === null) return 'none (null)';
  const cut =
    bytes.length > SHOWN_BYTES ? ` … and ${String(bytes.length - SHOWN_BYTES)} bytes more: --json has them all` : '';
  return `${String(bytes.length)} bytes: ${safeText(bytes.subarray(0, SHOWN_BYTES))}${cut}`;
}

/** One dead letter for a person. */
export function letterText(letter: DeadLetter, redrivenAt: string | null): string {
  const lines = [
    `dead letter ${letter.id}`,
    `origin      ${originText(letter)}`,
    `reason      ${safe(letter.reason) || 'unknown'}${letter.message === '' ? '' : `: ${safe(letter.message)}`}`,
    `time        ${timeText(letter.timestampMs)}`,
    `redriven    ${redrivenAt ?? 'never'}`,
    `key         ${shown(letter.key)}`,
    ...letter.headers.map(([name, value]) => `header      ${safe(name)} = ${shown(value)}`),
    `value       ${shown(letter.value)}`,
    ...(letter.cut === null
      ? []
      : [`cut         this is its beginning; the whole${sizeAndHash(letter.cut)} is at ${originText(letter)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function sizeAndHash({ valueBytes, valueSha256 }: NonNullable<DeadLetter['cut']>): string {
  if (valueBytes === undefined) return '';
  return ` value of ${String(valueBytes)} bytes, SHA-256 ${safe(valueSha256 ?? '')},`;
}

/** One dead letter, whole, its bytes in base64. */
export function letterJson(letter: DeadLetter, redrivenAt: string | null): string {
  const { id, origin, reason, message, timestampMs, key, value, headers, cut } = letter;
  const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;
  const whole = {
    id,
    origin,
    reason,
    message,
    time: timeText(timestampMs),
    redrivenAt,
    key: base64(key),
    value: base64(value),
    headers: headers.map(([name, content]) => ({ name, value: base64(content) })),
    ...(cut === null ? {} : { cut }),
  };
  return `${safeJson(whole)}\n`;
}
