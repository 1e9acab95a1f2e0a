import type { z } from 'zod';
import { unwrap } from './zod-layers.ts';
import { flattened, isDiscriminated } from './zod-union.ts';

type Issue = z.core.$ZodIssue;

/**
 * Where a value does not fit its schema, and why: on one line, and in words of our own, for messages of a schema may
 * repeat the value, which is somebody's data.
 */
export function issuesText(schema: z.core.$ZodType, issues: readonly Issue[]): string {
  const [first, ...more] = issues;
  if (first === undefined) return 'the value does not fit its schema';
  const others = more.length === 0 ? '' : `, and ${String(more.length)} more`;
  return `${pathText(schema, first.path)} ${problemOf(first)}${others}`;
}

function problemOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `is no ${issue.expected}`;
    case 'too_small':
      return `is smaller than ${String(issue.minimum)}`;
    case 'too_big':
      return `is larger than ${String(issue.maximum)}`;
    case 'not_multiple_of':
      return `is no multiple of ${String(issue.divisor)}`;
    case 'invalid_format':
      return `is no ${issue.format}`;
    case 'invalid_value':
      return 'is none of the values that it may have';
    case 'invalid_union':
      return 'is no member of its union';
    case 'unrecognized_keys':
      return 'has a field that its schema does not know';
    default:
      return 'is refused by a check of its schema';
  }
}

/** Such as `lines[3].price`. What is inside of JSON is not named: the keys of a record are data. */
function pathText(schema: z.core.$ZodType, path: readonly PropertyKey[]): string {
  let text = '';
  let at: z.core.$ZodType | undefined = schema;
  for (const step of path) {
    const parts: Parts | undefined = at === undefined ? undefined : partsOf(at, step);
    if (parts === undefined) break;
    text += typeof step === 'number' ? `[${String(step)}]` : `${text === '' ? '' : '.'}${String(step)}`;
    at = parts.schema;
  }
  return text === '' ? 'the value' : text;
}

interface Parts {
  readonly schema: z.core.$ZodType | undefined;
}

/** What the schema has at this step; undefined where it has nothing of that name. */
function partsOf(schema: z.core.$ZodType, step: PropertyKey): Parts | undefined {
  const { def } = unwrap(schema).inner._zod;
  if (def.type === 'array') return { schema: def.element };
  if (def.type === 'tuple') return { schema: def.items[Number(step)] ?? def.rest ?? undefined };
  if (def.type === 'object') {
    const field = typeof step === 'string' && Object.hasOwn(def.shape, step) ? def.shape[step] : undefined;
    return field && { schema: field };
  }
  if (def.type !== 'union' || !isDiscriminated(def)) return undefined;
  for (const option of flattened(def.options, def.discriminator)) {
    const parts = partsOf(option, step);
    if (parts !== undefined) return parts;
  }
  return undefined;
}
