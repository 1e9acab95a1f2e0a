/** PromQL of a dashboard: of the instances that are chosen in it. */
const HERE = 'instance=~"$instance"';

/** The series of the chosen instances, narrowed by more matchers such as `role="ACTIVE"`. */
export function of(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${[HERE, ...matchers].join(',')}}`;
}

/** What a counter grows by a second. */
export function perSecond(counter: string): string {
  return `rate(${of(counter)}[$__rate_interval])`;
}

/** The same, added up by labels. */
export function perSecondBy(labels: string, counter: string): string {
  return `sum by (${labels}) (${perSecond(counter)})`;
}

/** The 99th percentile of a histogram, by labels. */
export function percentile99(labels: string, histogram: string): string {
  return `histogram_quantile(0.99, sum by (${labels}, le) (${perSecond(`${histogram}_bucket`)}))`;
}
