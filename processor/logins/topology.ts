import {
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type RecordContext,
  StreamsBuilder,
  type Topology,
  tumbling,
} from '@tributary/streams';
import { dataQuality, type DataQualityCounts, type QualityFact } from './data-quality.ts';
import { loginCounts, totalLogins, type LoginCounts } from './login-counts.ts';
import { decodeLogin } from './login-record.ts';
import {
  BY_STATE,
  COUNTS_BY_STATE,
  DATA_QUALITY,
  HOUR_WINDOWS,
  MINUTE_WINDOWS,
  QUALITY_KEY,
  UNATTRIBUTED,
  type WindowDefinition,
} from './names.ts';

export interface LoginTopologyOptions {
  readonly inputTopic: string;
  readonly deadLetterTopic: string;
}

/**
 * Logins per state and device type: in all, per minute, per hour; and what was wrong with the input.
 *
 * Sub-topology 0 reads, dead-letters and combines; sub-topology 1 owns the states. The three counts share one combiner,
 * whose partials per (state, minute) roll up into hours and totals.
 */
export function buildTopology({ inputTopic, deadLetterTopic }: LoginTopologyOptions): Topology {
  const builder = new StreamsBuilder();
  const logins = builder.stream(inputTopic, {
    decode: decodeLogin,
    timestampMs: (login) => login.eventTimeMs,
    deadLetterTopic,
  });

  // An aggregation that others follow is given copies: what else reads the logins is declared first.
  const flaws = logins
    .filter((login) => login.flaws !== 0)
    .mapValues((login): QualityFact => ({ kind: 'flaws', flaws: login.flaws }));
  const byState = logins.groupBy((login) => login.state ?? UNATTRIBUTED, { name: BY_STATE });
  byState.aggregate(loginCounts, { store: COUNTS_BY_STATE });
  const minutes = byState
    .windowedBy(tumbling(windowsOf(MINUTE_WINDOWS)))
    .aggregate(loginCounts, { store: MINUTE_WINDOWS.store });
  byState.windowedBy(tumbling(windowsOf(HOUR_WINDOWS))).aggregate(loginCounts, { store: HOUR_WINDOWS.store });

  const letters = logins
    .deadLetters()
    .mapValues((letter): QualityFact => ({ kind: 'dead-letter', reason: letter.reason }));
  flaws
    .merge(letters)
    .groupBy(() => QUALITY_KEY, { name: BY_STATE })
    .aggregate(dataQuality, { store: DATA_QUALITY });
  minutes.late().process(() => new LateLogins(), { stores: [DATA_QUALITY] });

  return builder.build();
}

function windowsOf({ sizeMs, retentionMs }: WindowDefinition): Pick<WindowDefinition, 'sizeMs' | 'retentionMs'> {
  return { sizeMs, retentionMs };
}

/** Late logins are found where the windows are, so they are counted there: each partition keeps its own part. */
class LateLogins implements Processor<unknown, LoginCounts> {
  #quality: KeyValueStore<string, DataQualityCounts> | undefined;

  init(context: ProcessorContext<never, never>): void {
    this.#quality = context.keyValueStore<DataQualityCounts>(DATA_QUALITY);
  }

  process(late: LoginCounts, _key: unknown, { timestampMs }: RecordContext): void {
    const quality = this.#quality as KeyValueStore<string, DataQualityCounts>;
    const counts = quality.get(QUALITY_KEY) ?? dataQuality.empty();
    quality.put(
      QUALITY_KEY,
      dataQuality.add(counts, { kind: 'late', logins: totalLogins(late) }, { key: QUALITY_KEY, timestampMs }),
    );
  }
}
