/** What a PromQL expression names: enough to see whether it can be answered, no parser of all of PromQL. */
export interface PromqlNames {
  readonly metrics: ReadonlySet<string>;
  /** `metric label` for what stands in braces after a metric; `* label` for what `by`, `on` and the like name. */
  readonly labels: ReadonlySet<string>;
}

const GROUPING = /^(by|without|on|ignoring|group_left|group_right)$/;
const WORDS = /^(and|or|unless|offset|bool|inf|nan)$/i;
const TOKEN =
  /\s+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|\$?[a-zA-Z_:][\w:]*|[\d.]+[a-z]*|[-+*/%^,(){}]|[=!<>~]+/y;

/** @throws Error at a character that is in no PromQL that is used here. */
export function promqlNames(expression: string): PromqlNames {
  const tokens = tokensOf(expression);
  const metrics = new Set<string>();
  const labels = new Set<string>();
  let open: 'none' | 'braces' | 'grouping' = 'none';
  let metric = '*';
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (token === '{') open = 'braces';
    else if (token === '}' || (token === ')' && open === 'grouping')) open = 'none';
    else if (!/^[a-zA-Z_:]/.test(token) || WORDS.test(token)) continue;
    else if (open === 'braces') labels.add(`${metric} ${token}`);
    else if (open === 'grouping') labels.add(`* ${token}`);
    else if (GROUPING.test(token)) open = 'grouping';
    else if (next !== '(' && !GROUPING.test(next ?? '')) metrics.add((metric = token));
  }
  return { metrics, labels };
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < expression.length;) {
    const at = TOKEN.lastIndex;
    const [token = ''] = TOKEN.exec(expression) ?? [];
    if (token === '') throw new Error(`"${expression.slice(at)}" is no PromQL that is known here`);
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
}
