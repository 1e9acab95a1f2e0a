import { GDP_CLASSES, type GdpClass, gdpOf } from './gdp.ts';
import { STATE_CODES, STATE_NAMES, type StateCode } from './states.ts';

export interface DeviceCounts {
  readonly ios: number;
  readonly android: number;
  readonly other: number;
}

export type Leader = 'IOS' | 'ANDROID';

interface GdpClassFindings {
  readonly class: GdpClass;
  /** How many states the class has, logins or not. */
  readonly states: number;
  readonly devices: DeviceCounts;
  readonly leader: Leader | null;
}

/** What the counts say, as codes and numbers. */
export interface Findings {
  /** The state with most logins; null before the first. */
  readonly topState: StateCode | null;
  /** States with more iOS than Android logins, most logins first. */
  readonly moreIos: readonly StateCode[];
  /** States with more Android than iOS logins, most logins first. */
  readonly moreAndroid: readonly StateCode[];
  /** HIGH, MEDIUM, LOW: always all three, each over all its states. */
  readonly byGdpClass: readonly GdpClassFindings[];
}

/** What is known of each state; one without an entry has no logins. */
export type CountsByState = ReadonlyMap<string, DeviceCounts>;

const NONE: DeviceCounts = Object.freeze({ ios: 0, android: 0, other: 0 });

export function totalDevices(devices: DeviceCounts): number {
  return devices.ios + devices.android + devices.other;
}

/** Whichever has more logins; null when they are equal. Other devices never lead. */
export function leaderOf(devices: DeviceCounts): Leader | null {
  if (devices.ios === devices.android) return null;
  return devices.ios > devices.android ? 'IOS' : 'ANDROID';
}

/** The findings in these counts. Keys that are no state, such as the unattributed logins', are left out. */
export function findInsights(counts: CountsByState): Findings {
  const devicesOf = (code: StateCode) => counts.get(code) ?? NONE;
  // STATE_CODES ascend and sorting is stable: ties stay in the order of the code.
  const mostFirst = STATE_CODES.filter((code) => totalDevices(devicesOf(code)) > 0).sort(
    (a, b) => totalDevices(devicesOf(b)) - totalDevices(devicesOf(a)),
  );
  return {
    topState: mostFirst[0] ?? null,
    moreIos: mostFirst.filter((code) => leaderOf(devicesOf(code)) === 'IOS'),
    moreAndroid: mostFirst.filter((code) => leaderOf(devicesOf(code)) === 'ANDROID'),
    byGdpClass: GDP_CLASSES.map((gdpClass) => {
      const states = STATE_CODES.filter((code) => gdpOf(code).class === gdpClass);
      const devices = states.map(devicesOf).reduce(addDevices, NONE);
      return { class: gdpClass, states: states.length, devices, leader: leaderOf(devices) };
    }),
  };
}

function addDevices(a: DeviceCounts, b: DeviceCounts): DeviceCounts {
  return { ios: a.ios + b.ios, android: a.android + b.android, other: a.other + b.other };
}

/**
 * The findings as four English sentences, always in this order: the state with most devices; the states with more iOS;
 * those with more Android; how device types compare across GDP classes. Before the first login they say so.
 */
export function insightSentences(findings: Findings, counts: CountsByState): string[] {
  return [
    topStateSentence(findings, counts),
    moreSentence('iOS', 'Android', findings.moreIos),
    moreSentence('Android', 'iOS', findings.moreAndroid),
    gdpSentence(findings),
  ];
}

function topStateSentence({ topState }: Findings, counts: CountsByState): string {
  if (topState === null) return 'No state has a login yet.';
  const total = totalDevices(counts.get(topState) ?? NONE);
  return `The state with the most devices is ${STATE_NAMES[topState]} (${topState}), with ${counted(total, 'login')}.`;
}

function moreSentence(more: string, fewer: string, states: readonly StateCode[]): string {
  if (states.length === 0) return `No state has more ${more} than ${fewer} logins.`;
  const verb = states.length === 1 ? 'has' : 'have';
  return `${counted(states.length, 'state')} ${verb} more ${more} than ${fewer} logins: ${states.join(', ')}.`;
}

function gdpSentence({ byGdpClass }: Findings): string {
  const clauses = byGdpClass.map(gdpClause);
  return `By the size of a state's economy: ${clauses.join('; ')}.`;
}

function gdpClause({ class: gdpClass, devices, leader }: GdpClassFindings): string {
  const states = `${gdpClass.toLowerCase()}-GDP states`;
  const total = totalDevices(devices);
  if (total === 0) return `${states} have no logins yet`;
  if (leader === null)
    return `in ${states} iOS and Android are level at ${grouped(devices.ios)} of ${counted(total, 'login')} each`;
  const [ahead, behind] = leader === 'IOS' ? (['iOS', 'Android'] as const) : (['Android', 'iOS'] as const);
  const [most, fewer] = leader === 'IOS' ? [devices.ios, devices.android] : [devices.android, devices.ios];
  return (
    `in ${states} ${ahead} leads ${behind} by ${grouped(most)} to ${grouped(fewer)} (${percent(most, total)} to ` +
    `${percent(fewer, total)} of logins)`
  );
}

function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const grouping = new Intl.NumberFormat('en-US');

function grouped(count: number): string {
  return grouping.format(count);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
