import { describe, expect, test } from '@jest/globals';
import { auditReport, isSevere } from './audit-report.ts';

describe('what npm audit writes', () => {
  test('is findings with their advisories, each package once', () => {
    const output = JSON.stringify({
      auditReportVersion: 2,
      vulnerabilities: {
        one: { name: 'one', severity: 'high', via: [{ title: 'Reads too far', url: 'https://example.com/1' }, 'two'] },
        two: { name: 'two', severity: 'moderate', via: ['one'] },
      },
      metadata: {},
    });
    const report = auditReport(output);
    expect(report).toEqual({
      asked: true,
      findings: [
        { name: 'one', severity: 'high', advisories: ['Reads too far https://example.com/1'] },
        { name: 'two', severity: 'moderate', advisories: [] },
      ],
    });
    expect(report.asked && report.findings.map(isSevere)).toEqual([true, false]);
  });

  test('is none where all is well', () => {
    expect(auditReport('{"auditReportVersion":2,"vulnerabilities":{}}')).toEqual({ asked: true, findings: [] });
  });

  test('was not asked where a registry refuses, is away, or something else answers: never "no findings"', () => {
    expect([
      auditReport('{"message":"405 Method Not Allowed - POST https://example.com/bulk","statusCode":405}'),
      auditReport('{"error":{"code":"ENOLOCK","summary":""}}'),
      auditReport('{"message":"request to https://example.com/bulk failed, reason: no route"}'),
      auditReport('{}'),
      auditReport('[]'),
      auditReport('<html>a login page</html>'),
      auditReport(''),
    ]).toEqual(
      [
        '405 Method Not Allowed',
        'ENOLOCK',
        'request to  failed, reason: no route',
        ...Array.from({ length: 4 }, () => 'npm gave no report'),
      ].map((reason) => ({ asked: false, reason })),
    );
  });
});
