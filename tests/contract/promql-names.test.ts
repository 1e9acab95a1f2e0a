import { expect, test } from '@jest/globals';
import { promqlNames } from '../support/promql-names.ts';

const named = (expression: string): [string[], string[]] => {
  const { metrics, labels } = promqlNames(expression);
  return [[...metrics].toSorted(), [...labels].toSorted()];
};

test.each<[string, [string[], string[]]]>([
  ['up', [['up'], []]],
  [
    'sum by (a, b) (rate(m_total{c="by (x)",d=~"$e"}[5m])) > 0',
    [['m_total'], ['* a', '* b', 'm_total c', 'm_total d']],
  ],
  [
    'sum(one{x="1"}) by (y) / on (z) group_left (w) two',
    [
      ['one', 'two'],
      ['* w', '* y', '* z', 'one x'],
    ],
  ],
  ['min_over_time(m{r="A"}[10m]) > 10000 and deriv(n[10m]) > 0', [['m', 'n'], ['m r']]],
  ['a or (b unless b offset 10m)', [['a', 'b'], []]],
  [
    'histogram_quantile(0.99, sum by (le) (rate(h_bucket{i=~"$instance"}[$__rate_interval])))',
    [['h_bucket'], ['* le', 'h_bucket i']],
  ],
  ['m != m', [['m'], []]],
  ['count without (i) (m == bool 1)', [['m'], ['* i']]],
])('%s', (expression, expected) => expect(named(expression)).toEqual(expected));

test('what is no PromQL is said', () => expect(() => promqlNames('a ; b')).toThrow('"; b" is no PromQL'));
