import { z } from 'zod';

/** What `npm audit --json` came to. */
export type AuditReport =
  /** Nobody looked: that says nothing about the packages. */
  { readonly asked: false; readonly reason: string } | { readonly asked: true; readonly findings: readonly Finding[] };

export interface Finding {
  readonly name: string;
  readonly severity: string;
  /** What is wrong, by title and address; empty where it is wrong in what the package needs. */
  readonly advisories: readonly string[];
}

const vulnerability = z.object({
  name: z.string(),
  severity: z.string(),
  via: z.array(z.union([z.string(), z.object({ title: z.string().default(''), url: z.string().default('') })])),
});
const answered = z.object({ vulnerabilities: z.record(z.string(), vulnerability) });
const refused = z.object({
  message: z.string().optional(),
  error: z.object({ summary: z.string().optional(), code: z.string().optional() }).optional(),
});

/** Reads what `npm audit --json` wrote; an answer in another shape is one that nobody has given. */
export function auditReport(output: string): AuditReport {
  const json = parsed(output);
  const report = answered.safeParse(json);
  if (!report.success) return { asked: false, reason: reasonOf(json) };
  const findings = Object.values(report.data.vulnerabilities).map(({ name, severity, via }) => ({
    name,
    severity,
    advisories: via.flatMap((one) => (typeof one === 'string' ? [] : [`${one.title} ${one.url}`.trim()])),
  }));
  return { asked: true, findings };
}

/** What ends a build: the two upper grades of npm's four. */
export function isSevere({ severity }: Finding): boolean {
  return severity === 'high' || severity === 'critical';
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function reasonOf(json: unknown): string {
  const { data } = refused.safeParse(json);
  const said = [data?.message, data?.error?.summary, data?.error?.code].find((one) => one !== undefined && one !== '');
  // The address of the registry is the user's own affair.
  return said === undefined
    ? 'npm gave no report'
    : said.replace(/ - (GET|POST) \S+$/, '').replaceAll(/\w+:\/\/\S+/g, '');
}
